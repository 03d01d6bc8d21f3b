using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace AgentLightning.Models.Tokenizers.Pieces;

/// <summary>
/// A pattern of tokenizer.json (Oniguruma syntax) on .NET's engine. What the two read in different ways is translated or refused,
/// and text with characters beyond the BMP is matched through a stand-in with one character per code point.
/// </summary>
internal sealed class PieceRegex
{
    private const string WordSet = @"\p{L}\p{M}\p{Nl}\p{Nd}\p{Pc}\u24B6-\u24E9";
    private static readonly SearchValues<char> s_hex = SearchValues.Create("0123456789abcdefABCDEF");
    private readonly Regex _regex;

    private PieceRegex(Regex regex) => _regex = regex;

    /// <summary>Compiles a pattern. What cannot be read as it was meant is an <see cref="UnsupportedTokenizerException"/>.</summary>
    public static PieceRegex Compile(string pattern, ComponentJson owner)
    {
        try
        {
            return new PieceRegex(
                new Regex(Translate(pattern, owner), RegexOptions.CultureInvariant | RegexOptions.Compiled, TimeSpan.FromSeconds(10))
            );
        }
        catch (ArgumentException e)
        {
            throw new UnsupportedTokenizerException(owner.Path, $"The pattern of {owner.Path} cannot be used here: {e.Message}");
        }
    }

    public static PieceRegex Literal(string text) => new(new Regex(Regex.Escape(text), RegexOptions.CultureInvariant));

    /// <summary>Calls back with the start and the length of every match that is not empty, in order.</summary>
    public void Matches(ReadOnlySpan<char> text, List<(int Start, int Length)> matches)
    {
        matches.Clear();
        if (text.IndexOfAnyInRange('\uD800', '\uDFFF') < 0)
        {
            foreach (var match in _regex.EnumerateMatches(text))
            {
                if (match.Length > 0)
                {
                    matches.Add((match.Index, match.Length));
                }
            }

            return;
        }

        var (standIn, starts) = StandIn(text);
        foreach (var match in _regex.EnumerateMatches(standIn))
        {
            if (match.Length > 0)
            {
                matches.Add((starts[match.Index], starts[match.Index + match.Length] - starts[match.Index]));
            }
        }
    }

    /// <summary>Replaces every match by a text that is taken as it stands.</summary>
    public string Replace(string text, string content)
    {
        var matches = new List<(int Start, int Length)>();
        Matches(text, matches);
        if (matches.Count == 0)
        {
            return text;
        }

        var result = new StringBuilder(text.Length);
        var from = 0;
        foreach (var (start, length) in matches)
        {
            result.Append(text, from, start - from).Append(content);
            from = start + length;
        }

        return result.Append(text, from, text.Length - from).ToString();
    }

    private static (string Text, int[] Starts) StandIn(ReadOnlySpan<char> text)
    {
        var standIn = new StringBuilder(text.Length);
        var starts = new List<int>(text.Length + 1);
        var at = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            standIn.Append(rune.IsBmp ? (char)rune.Value : StandIn(rune));
            starts.Add(at);
            at += rune.Utf16SequenceLength;
        }

        starts.Add(at);
        return (standIn.ToString(), [.. starts]);
    }

    /// <summary>A rare character of the BMP with the same general category, and with no range that patterns name.</summary>
    private static char StandIn(Rune rune) =>
        Rune.GetUnicodeCategory(rune) switch
        {
            UnicodeCategory.UppercaseLetter => '\uA640',
            UnicodeCategory.LowercaseLetter => '\uA641',
            UnicodeCategory.TitlecaseLetter => '\u1F88',
            UnicodeCategory.ModifierLetter => '\uA67F',
            UnicodeCategory.OtherLetter => '\uA4D0',
            UnicodeCategory.NonSpacingMark => '\uA66F',
            UnicodeCategory.SpacingCombiningMark => '\uA823',
            UnicodeCategory.EnclosingMark => '\uA670',
            UnicodeCategory.DecimalDigitNumber => '\uA620',
            UnicodeCategory.LetterNumber => '\uA6E6',
            UnicodeCategory.OtherNumber => '\uA830',
            UnicodeCategory.DashPunctuation => '\u1400',
            UnicodeCategory.OtherPunctuation => '\uA673',
            UnicodeCategory.MathSymbol => '\u22FF',
            UnicodeCategory.CurrencySymbol => '\uA838',
            UnicodeCategory.ModifierSymbol => '\uA700',
            UnicodeCategory.OtherSymbol
                when rune.Value is (>= 0x1F130 and <= 0x1F149) or (>= 0x1F150 and <= 0x1F169) or (>= 0x1F170 and <= 0x1F189) => '\u24B6',
            UnicodeCategory.OtherSymbol => '\uA828',
            UnicodeCategory.Format => '\u206A',
            UnicodeCategory.PrivateUse => '\uE000',
            _ => '\uFFFF',
        };

    private static string Translate(string pattern, ComponentJson owner)
    {
        var result = new StringBuilder(pattern.Length + 32);
        // How many groups are open, and at which of them letters began to match in both cases.
        int depth = 0,
            folded = int.MaxValue;
        var set = false;
        for (var i = 0; i < pattern.Length; i++)
        {
            var c = pattern[i];
            if (c == '\\')
            {
                i = Escape(pattern, i, set, result, owner);
            }
            else if (char.IsSurrogate(c))
            {
                throw Refuse(owner, "characters beyond U+FFFF", pattern);
            }
            else if (set)
            {
                if (
                    c == '['
                    || (c == '&' && i + 1 < pattern.Length && pattern[i + 1] == '&')
                    || (c == '-' && i + 1 < pattern.Length && pattern[i + 1] == '[')
                )
                {
                    throw Refuse(owner, "a set inside a set", pattern);
                }

                set = c != ']';
                result.Append(c);
            }
            else
            {
                switch (c)
                {
                    case '[':
                        set = true;
                        result.Append(c);
                        if (i + 1 < pattern.Length && pattern[i + 1] == '^')
                        {
                            result.Append(pattern[++i]);
                        }

                        break;
                    case '(':
                        depth++;
                        if (i + 1 < pattern.Length && pattern[i + 1] == '?')
                        {
                            var kind = Group(pattern, i, owner);
                            if (kind == "(?i:")
                            {
                                folded = Math.Min(folded, depth);
                            }

                            result.Append(kind);
                            i += kind.Length - 1;
                        }
                        else
                        {
                            result.Append("(?:");
                        }

                        break;
                    case ')':
                        folded = folded == depth ? int.MaxValue : folded;
                        depth--;
                        result.Append(c);
                        break;
                    case '+' when EndsQuantifier(pattern, i - 1):
                        throw Refuse(owner, "possessive quantifiers", pattern);
                    case '^' or '$' or '.':
                        throw Refuse(owner, $"the anchor or wildcard '{c}'", pattern);
                    case 's' or 'S' when folded <= depth:
                        // The long s folds to s in the original engine, and not in this one.
                        result.Append("[sS\u017F]");
                        break;
                    default:
                        result.Append(c);
                        break;
                }
            }
        }

        return result.ToString();
    }

    private static int Escape(string pattern, int i, bool set, StringBuilder result, ComponentJson owner)
    {
        if (i + 1 >= pattern.Length)
        {
            throw Refuse(owner, "a lone backslash", pattern);
        }

        var c = pattern[i + 1];
        switch (c)
        {
            case 's' or 'S' or 'd' or 'D' or 'r' or 'n' or 't' or 'f' or 'v':
            case var mark when char.IsAsciiLetterOrDigit(mark) is false:
                result.Append('\\').Append(c);
                return i + 1;
            case 'w':
                result.Append(set ? WordSet : $"[{WordSet}]");
                return i + 1;
            case 'W' when !set:
                result.Append($"[^{WordSet}]");
                return i + 1;
            case 'u' when i + 5 < pattern.Length && pattern.AsSpan(i + 2, 4).IndexOfAnyExcept(s_hex) < 0:
                result.Append(pattern, i, 6);
                return i + 5;
            case 'p' or 'P' when pattern.IndexOf('}', i) is var end and > 0 && pattern[i + 2] == '{' && end - i is 4 or 5:
                result.Append(pattern, i, end - i + 1);
                return end;
            default:
                throw Refuse(owner, $"'\\{c}'", pattern);
        }
    }

    private static string Group(string pattern, int i, ComponentJson owner) =>
        Array.Find(["(?:", "(?i:", "(?=", "(?!", "(?<=", "(?<!", "(?>"], kind =>
            string.CompareOrdinal(pattern, i, kind, 0, kind.Length) == 0
        ) ?? throw Refuse(owner, "this kind of group", pattern);

    private static bool EndsQuantifier(string pattern, int at)
    {
        if (at >= 0 && pattern[at] == '}')
        {
            // The brace of {1,3}, and not that of \p{L}.
            at = pattern.LastIndexOf('{', at);
            return at > 0 && !(pattern[at - 1] is 'p' or 'P' && Escaped(pattern, at - 1));
        }

        return at >= 0 && pattern[at] is '+' or '*' or '?' && !Escaped(pattern, at);
    }

    private static bool Escaped(string pattern, int at)
    {
        var slashes = 0;
        while (at - slashes > 0 && pattern[at - slashes - 1] == '\\')
        {
            slashes++;
        }

        return slashes % 2 == 1;
    }

    private static UnsupportedTokenizerException Refuse(ComponentJson owner, string what, string pattern) =>
        new(owner.Path, $"The pattern of {owner.Path} uses {what}, which would not be read as it was meant: {pattern}");
}
