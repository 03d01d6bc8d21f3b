namespace AgentLightning.Cli.Output;

/// <summary>
/// Ids as a terminal shows them: as many characters as tell them apart, and an ellipsis. Every command that takes an id takes this form.
/// </summary>
internal static class ShortIds
{
    /// <summary>Stands where an id goes on.</summary>
    public const char Mark = '…';

    /// <summary>Of a UUIDv7 the time and the first twelve random bits.</summary>
    private const int Shortest = 18;

    /// <summary>The short form of each id among all that are shown together.</summary>
    public static IReadOnlyDictionary<string, string> Of(IEnumerable<string> ids)
    {
        string[] sorted = [.. ids.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        var shortened = new Dictionary<string, string>(sorted.Length);
        for (var i = 0; i < sorted.Length; i++)
        {
            var shared = Math.Max(
                i > 0 ? Shared(sorted[i], sorted[i - 1]) : 0,
                i + 1 < sorted.Length ? Shared(sorted[i], sorted[i + 1]) : 0
            );
            var length = Math.Max(Shortest, shared + 1);
            // With the mark it would be no shorter.
            shortened[sorted[i]] = length + 1 < sorted[i].Length ? sorted[i][..length] + Mark : sorted[i];
        }

        return shortened;
    }

    /// <summary>What was typed without the mark, if it was copied with it.</summary>
    public static string Unmarked(string id) => id.TrimEnd(Mark);

    private static int Shared(string a, string b)
    {
        var length = 0;
        while (length < a.Length && length < b.Length && a[length] == b[length])
        {
            length++;
        }

        return length;
    }
}
