using AgentLightning.Common;

namespace AgentLightning.Storage;

/// <summary>Ids of artifacts: <c>sha256:</c> and the 64 hex digits of the content's hash.</summary>
internal static class ArtifactId
{
    private const string Prefix = "sha256:";

    public static string OfHash(byte[] hash) => Prefix + Convert.ToHexStringLower(hash);

    /// <summary>The hex digits of an id; what is no id is <see cref="ErrorKind.Invalid"/>.</summary>
    public static string HashOf(string id)
    {
        var hash = id.StartsWith(Prefix, StringComparison.Ordinal) ? id[Prefix.Length..] : "";
        return hash.Length == 64 && hash.All(char.IsAsciiHexDigitLower)
            ? hash
            : throw LightningException.Invalid($"An artifact id is 'sha256:' and 64 hex digits, but this is '{id}'.");
    }

    /// <summary>Throws where content is not what was stored.</summary>
    /// <param name="seen">The id of what was read.</param>
    /// <param name="place">Where it was read, for the message.</param>
    public static void Check(string id, string seen, string place)
    {
        if (seen != id)
        {
            throw new LightningException(
                ErrorKind.Corrupt,
                $"The artifact {id} was changed after it was stored: the hash of {place} is {seen}. Restore it from a backup, or train "
                    + $"again."
            );
        }
    }

    public static LightningException Missing(string id, string place, Exception? cause = null) =>
        new(ErrorKind.Corrupt, $"The artifact {id} is missing: there is no {place}. Restore it from a backup, or train again.", cause);
}
