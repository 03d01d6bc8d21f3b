namespace AgentLightning.Common;

/// <summary>Finds what somebody meant who wrote a name that there is not.</summary>
public static class NearNames
{
    private const int Longest = 200;

    /// <summary>
    /// The known names that are nearest to one, nearest first: those that become it by changing, adding or leaving out at most a third of
    /// its characters, whatever their case, and those that begin or end with it. None when it is far from all.
    /// </summary>
    /// <param name="most">How many.</param>
    public static IReadOnlyList<string> Of(string name, IEnumerable<string> known, int most = 3) =>
        name.Length is 0 or > Longest
            ? []
            :
            [
                .. known
                    .Distinct(StringComparer.Ordinal)
                    .Select(other => (Name: other, Distance: Distance(name, other)))
                    .Where(other => other.Distance <= Math.Max(1, name.Length / 3) || Holds(name, other.Name))
                    .OrderBy(other => other.Distance)
                    .ThenBy(other => other.Name, StringComparer.Ordinal)
                    .Take(most)
                    .Select(other => other.Name),
            ];

    /// <summary>" Did you mean a or b?", or nothing.</summary>
    public static string Hint(string name, IEnumerable<string> known) =>
        Of(name, known) is { Count: > 0 } near ? $" Did you mean {string.Join(" or ", near)}?" : "";

    private static bool Holds(string name, string other) =>
        name.Length >= 3
        && (other.StartsWith(name, StringComparison.OrdinalIgnoreCase) || other.EndsWith(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Characters to change, add or leave out (Levenshtein); two that changed places count once.</summary>
    private static int Distance(string a, string b)
    {
        if (b.Length > Longest)
        {
            return int.MaxValue;
        }

        var (before, last, next) = (new int[b.Length + 1], new int[b.Length + 1], new int[b.Length + 1]);
        for (var j = 0; j <= b.Length; j++)
        {
            last[j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            next[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var same = Same(a[i - 1], b[j - 1]);
                next[j] = Math.Min(Math.Min(next[j - 1], last[j]) + 1, last[j - 1] + (same ? 0 : 1));
                if (i > 1 && j > 1 && Same(a[i - 1], b[j - 2]) && Same(a[i - 2], b[j - 1]))
                {
                    next[j] = Math.Min(next[j], before[j - 2] + 1);
                }
            }

            (before, last, next) = (last, next, before);
        }

        return last[b.Length];
    }

    private static bool Same(char a, char b) => char.ToLowerInvariant(a) == char.ToLowerInvariant(b);
}
