namespace AgentLightning.Common;

/// <summary>Record ids: ours are UUIDv7, which sort by time; a client may give its own, which then is an idempotency key.</summary>
public static class Ids
{
    /// <summary>Of a name, in characters.</summary>
    public const int LongestName = 200;

    private const int LongestId = 200;

    /// <summary>A new id for a record made at <paramref name="now"/>.</summary>
    public static string New(DateTimeOffset now) => Guid.CreateVersion7(now).ToString("D");

    /// <summary>Checks an id that came from outside: 1 to 200 characters, none of them a control character or a blank.</summary>
    public static string Check(string? id, string name)
    {
        if (string.IsNullOrEmpty(id) || id.Length > LongestId || id.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)))
        {
            var seen = id is null ? "nothing" : $"'{(id.Length > 40 ? id[..8] + "…" : id)}' ({id.Length} characters)";
            throw LightningException.Invalid($"{name} must be 1 to {LongestId} characters without blanks, but it is {seen}.");
        }

        return id;
    }

    /// <summary>
    /// Checks a name from outside that is no id of a record, as that of a session is: at most 200 characters, none of them a control
    /// character. Null is none.
    /// </summary>
    public static string? CheckName(string? value, string name) =>
        value is null || (value.Length <= LongestName && !value.Any(char.IsControl))
            ? value
            : throw LightningException.Invalid(
                $"{name} must be at most {LongestName} characters without control characters, but it has {value.Length}."
            );
}
