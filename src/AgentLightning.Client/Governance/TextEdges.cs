namespace AgentLightning.Governance;

/// <summary>Where a word or a number begins and ends.</summary>
internal static class TextEdges
{
    public static bool IsWord(char c) =>
        char.IsAsciiLetterOrDigit(c) || c == '_' || (c > 127 && char.IsLetterOrDigit(c) && !IsIdeograph(c));

    /// <summary>Writing without blanks: a number may stand right beside such a character.</summary>
    public static bool IsIdeograph(char c) =>
        c is >= '\u2E80' and <= '\u9FFF' or >= '\uAC00' and <= '\uD7AF' or >= '\uFF00' and <= '\uFFEF';

    /// <summary>
    /// Whether a word of its own can begin here: the character before belongs to no word, or is the letter of an escaped line break.
    /// </summary>
    public static bool BeginsWord(ReadOnlySpan<char> text, int start) =>
        start == 0 || !IsWord(text[start - 1]) || (start > 1 && text[start - 2] == '\\' && text[start - 1] is 'n' or 'r' or 't');

    public static bool EndsWord(ReadOnlySpan<char> text, int end) => end >= text.Length || !IsWord(text[end]);

    /// <summary>
    /// Whether a number of its own can begin here, and not a part of a name, a path, a longer number or an id such as <c>INV-1234</c>.
    /// </summary>
    public static bool BeginsNumber(ReadOnlySpan<char> text, int start)
    {
        if (!BeginsWord(text, start))
        {
            return false;
        }

        if (start < 2)
        {
            return start == 0 || text[0] != '#';
        }

        var (before, sign) = (text[start - 2], text[start - 1]);
        return sign switch
        {
            '-' or '.' or '/' or ',' or '\u2013' => !IsWord(before),
            ':' => !char.IsAsciiDigit(before),
            '#' or '$' or '€' or '£' => false,
            _ => true,
        };
    }

    /// <summary>Whether a number of its own ends here: no letter follows, and no sign that goes on with a digit.</summary>
    public static bool EndsNumber(ReadOnlySpan<char> text, int end) =>
        EndsWord(text, end) && !(end + 1 < text.Length && text[end] is '-' or '.' or ',' or '/' && IsWord(text[end + 1]));
}
