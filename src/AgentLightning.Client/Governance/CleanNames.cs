using System.Collections.Concurrent;

namespace AgentLightning.Governance;

/// <summary>
/// Names of JSON properties in which nothing was found. The same few come again in every record, and half of them (<c>input_tokens</c>)
/// look as if they began a secret.
/// </summary>
internal static class CleanNames
{
    /// <summary>Names come from outside: what comes after so many is looked through each time.</summary>
    private const int Most = 2_048;

    private const int LongestName = 64;

    private static readonly ConcurrentDictionary<string, bool> s_isSecret = new(StringComparer.Ordinal);
    private static readonly ConcurrentDictionary<string, bool>.AlternateLookup<ReadOnlySpan<char>> s_lookup = s_isSecret.GetAlternateLookup<
        ReadOnlySpan<char>
    >();
    private static int s_count;

    /// <param name="isSecret">What <see cref="SecretNames.IsSecret"/> says of the name.</param>
    public static bool TryGet(ReadOnlySpan<char> name, out bool isSecret)
    {
        isSecret = false;
        return name.Length <= LongestName && s_lookup.TryGetValue(name, out isSecret);
    }

    public static void Add(ReadOnlySpan<char> name, bool isSecret)
    {
        // Another end may be that of JSON, which depends on where the name stands.
        if (
            name.Length is > 0 and <= LongestName
            && char.IsAsciiLetterOrDigit(name[^1])
            && Volatile.Read(ref s_count) < Most
            && s_lookup.TryAdd(name, isSecret)
        )
        {
            Interlocked.Increment(ref s_count);
        }
    }
}
