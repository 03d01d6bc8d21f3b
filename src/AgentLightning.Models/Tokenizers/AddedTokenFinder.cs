using System.Buffers;
using System.Globalization;
using System.Text;

namespace AgentLightning.Models.Tokenizers;

/// <summary>Finds added tokens in a text: the leftmost first, and of several at one place the longest.</summary>
internal sealed class AddedTokenFinder
{
    private sealed class Node
    {
        public Dictionary<char, Node> Next { get; } = [];

        public AddedToken? Token { get; set; }
    }

    private readonly Node _root = new();
    private readonly SearchValues<char> _firsts;

    public AddedTokenFinder(IEnumerable<(string Text, AddedToken Token)> tokens)
    {
        foreach (var (text, token) in tokens)
        {
            var node = _root;
            foreach (var c in text)
            {
                if (!node.Next.TryGetValue(c, out var next))
                {
                    node.Next[c] = next = new Node();
                }

                node = next;
            }

            if (node != _root)
            {
                node.Token = token;
            }
        }

        _firsts = SearchValues.Create([.. _root.Next.Keys]);
    }

    /// <summary>
    /// The next token at or after <paramref name="from"/> with the text that it takes, white space included. Text before
    /// <paramref name="from"/> is taken already.
    /// </summary>
    public bool TryFind(ReadOnlySpan<char> text, int from, out AddedToken token, out int start, out int end)
    {
        for (var at = from; at < text.Length; at++)
        {
            var jump = text[at..].IndexOfAny(_firsts);
            if (jump < 0)
            {
                break;
            }

            at += jump;
            if (Longest(text, at, out end) is not { } found)
            {
                continue;
            }

            if (found.SingleWord && (IsWord(LastRune(text[..at])) || IsWord(FirstRune(text[end..]))))
            {
                at = end - 1;
                continue;
            }

            start = at;
            while (found.LeftStrip && start > from && char.IsWhiteSpace(text[start - 1]))
            {
                start--;
            }

            while (found.RightStrip && end < text.Length && char.IsWhiteSpace(text[end]))
            {
                end++;
            }

            token = found;
            return true;
        }

        (token, start, end) = (null!, text.Length, text.Length);
        return false;
    }

    private AddedToken? Longest(ReadOnlySpan<char> text, int at, out int end)
    {
        AddedToken? longest = null;
        end = at;
        for (var node = _root; at < text.Length && node.Next.TryGetValue(text[at], out node!); )
        {
            at++;
            if (node.Token is not null)
            {
                (longest, end) = (node.Token, at);
            }
        }

        return longest;
    }

    private static Rune? FirstRune(ReadOnlySpan<char> text) =>
        Rune.DecodeFromUtf16(text, out var rune, out _) == OperationStatus.Done ? rune : null;

    private static Rune? LastRune(ReadOnlySpan<char> text) =>
        Rune.DecodeLastFromUtf16(text, out var rune, out _) == OperationStatus.Done ? rune : null;

    private static bool IsWord(Rune? rune) =>
        rune is { } value && Rune.GetUnicodeCategory(value) is <= UnicodeCategory.LetterNumber or UnicodeCategory.ConnectorPunctuation;
}
