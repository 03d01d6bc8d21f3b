using System.Buffers;

namespace AgentLightning.Governance;

/// <summary>How a key must look so that it is not taken for a word.</summary>
internal enum Randomness
{
    /// <summary>The beginning says enough.</summary>
    Any,

    /// <summary>A digit or a capital letter among the characters: <c>sk-fading-circle-wrapper</c> is a class name.</summary>
    Some,

    /// <summary>A digit and a capital letter.</summary>
    Mixed,
}

/// <summary>Keys of one issuer: a beginning that nothing else has, and so many characters of an alphabet behind it.</summary>
/// <param name="Name">Who issues it, for people who read the tables.</param>
/// <param name="Alphabet">What follows the beginning.</param>
/// <param name="Shortest">Of what follows; less than the whole where half of a key can be told too.</param>
/// <param name="Longest">
/// Where more would be something else; 0 where all that follows belongs to the key, however long it is.
/// </param>
/// <param name="IsAddress">The beginning is that of an address, and stays.</param>
internal sealed record SecretShape(
    string Name,
    string Prefix,
    SearchValues<char> Alphabet,
    int Shortest,
    int Longest = 0,
    Randomness Randomness = Randomness.Any,
    bool IsAddress = false
)
{
    /// <summary>Only so much is looked at to decide, so that hostile input costs in proportion to its length.</summary>
    private const int Window = 512;

    /// <summary>The end of the key that begins at <paramref name="start"/>, or −1.</summary>
    public int EndOf(ReadOnlySpan<char> text, int start)
    {
        if (!text[start..].StartsWith(Prefix, StringComparison.Ordinal))
        {
            return -1;
        }

        var from = start + Prefix.Length;
        var seen = text.Slice(from, Math.Min(Window, text.Length - from));
        var length = seen.IndexOfAnyExcept(Alphabet);
        length = length < 0 ? seen.Length : length;
        while (length > 0 && seen[length - 1] == '.')
        {
            // It ends the sentence.
            length--;
        }

        var end = from + length;
        if (length < Shortest || !LooksRandom(seen[..length]))
        {
            return -1;
        }

        if (Longest > 0)
        {
            return length <= Longest && TextEdges.EndsWord(text, end) ? end : -1;
        }

        if (length == Window)
        {
            var more = text[end..].IndexOfAnyExcept(Alphabet);
            end = more < 0 ? text.Length : end + more;
        }

        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is '_' or '-'))
        {
            end++;
        }

        return end;
    }

    private bool LooksRandom(ReadOnlySpan<char> key) =>
        Randomness == Randomness.Any
        || (
            Randomness == Randomness.Some
                ? key.ContainsAnyInRange('0', '9') || key.ContainsAnyInRange('A', 'Z')
                : key.ContainsAnyInRange('0', '9') && key.ContainsAnyInRange('A', 'Z')
        );
}
