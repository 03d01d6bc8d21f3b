using AgentLightning.Common;
using AgentLightning.Lookup;

namespace AgentLightning.Cli.Records.Lookup;

/// <summary>What commands do with the ids that a person types.</summary>
internal static class WholeId
{
    /// <summary>
    /// The id of which a person gave a part. What is no part of any id comes back as it is: the command that asks for the record says so
    /// in its own words.
    /// </summary>
    public static async Task<string> WholeAsync(this IIdRecords ids, RecordKind kind, string given, CancellationToken cancellationToken)
    {
        if (Guid.TryParseExact(given, "D", out _) || ShortId.TryParse(given) is null)
        {
            return given;
        }

        try
        {
            return await ids.FindAsync(kind, given, cancellationToken);
        }
        catch (LightningException e) when (e.Kind == ErrorKind.NotFound)
        {
            return given;
        }
    }

    /// <summary>The same, and nothing of nothing.</summary>
    public static async Task<string?> WholeOrNoneAsync(
        this IIdRecords ids,
        RecordKind kind,
        string? given,
        CancellationToken cancellationToken
    ) => given is null ? null : await ids.WholeAsync(kind, given, cancellationToken);
}
