using System.Globalization;
using System.Text;

namespace AgentLightning.Models.Generation.Grammars.Automata;

/// <summary>
/// Reads a regular expression of ECMAScript, as in the keyword <c>pattern</c>: characters, classes, groups, alternatives, repetition, and
/// anchors at the two ends. A pattern without anchors may be anywhere in the text. What depends on what stands around (look-around, \b) or
/// stood before (back-references) is a <see cref="FormatException"/>.
/// </summary>
internal sealed class PatternParser
{
    private const int Deepest = 100,
        MostRepeats = 1000;
    private static readonly Piece s_anything = new Repeat(new OneOf(CharacterSet.All), 0, null);
    private readonly Rune[] _text;
    private int _at,
        _depth;

    private PatternParser(string pattern) => _text = [.. pattern.EnumerateRunes()];

    public static Piece Parse(string pattern)
    {
        var parser = new PatternParser(pattern);
        var options = new List<Piece>();
        do
        {
            Piece start = parser.Take('^') ? Piece.Empty : s_anything,
                body = parser.Parts(),
                end = parser.Take('$') ? Piece.Empty : s_anything;
            options.Add(new Sequence([start, body, end]));
        } while (parser.Take('|'));
        return parser._at == parser._text.Length
            ? new Choice(options)
            : throw parser.Unsupported(parser.Next == ')' ? "a ')' that closes nothing" : "an anchor that is not at an end");
    }

    private int Next => _at < _text.Length ? _text[_at].Value : -1;

    private bool Take(char c)
    {
        var there = Next == c;
        _at += there ? 1 : 0;
        return there;
    }

    private Sequence Parts()
    {
        var parts = new List<Piece>();
        while (Next is not (-1 or '|' or ')' or '$'))
        {
            parts.Add(Repeated(One()));
        }

        return new Sequence(parts);
    }

    private Piece Repeated(Piece part)
    {
        (int Least, int? Most)? times =
            Take('*') ? (0, null)
            : Take('+') ? (1, null)
            : Take('?') ? (0, 1)
            : Take('{') ? Times()
            : null;
        if (times is not { } found)
        {
            return part;
        }

        // How eager it is makes no difference to which texts fit.
        Take('?');
        return found.Least > MostRepeats || found.Most > MostRepeats || found.Least > found.Most || Next is '*' or '+' or '{'
            ? throw Unsupported($"a repetition other than from 0 to {MostRepeats:N0} times")
            : new Repeat(part, found.Least, found.Most);
    }

    private (int Least, int? Most) Times()
    {
        var least = Number() ?? throw Unsupported("a '{' that is no repetition");
        int? most = Take(',') ? Number() : least;
        return Take('}') ? (least, most) : throw Unsupported("a '{' that is no repetition");
    }

    private int? Number()
    {
        var from = _at;
        while (Next is >= '0' and <= '9')
        {
            _at++;
        }

        return _at == from ? null
            : _at - from > 6 ? int.MaxValue
            : int.Parse(string.Concat(_text[from.._at]), CultureInfo.InvariantCulture);
    }

    private Piece One()
    {
        var c = Next;
        _at++;
        switch (c)
        {
            case '.':
                return new OneOf(CharacterSet.NoLineEnds);
            case '[':
                return new OneOf(Class());
            case '\\':
                return new OneOf(Escaped(inClass: false));
            case '(':
                return Group();
            case '*' or '+' or '?' or '{' or '^':
                throw Unsupported($"a '{(char)c}' at this place");
            default:
                return new OneOf(CharacterSet.Of(c, c));
        }
    }

    private Choice Group()
    {
        if (Take('?') && !Take(':'))
        {
            if (!Take('<') || Next is '=' or '!')
            {
                throw Unsupported("a group that looks around");
            }

            while (!Take('>'))
            {
                _at += Next == -1 ? throw Unsupported("a group without an end") : 1;
            }
        }

        if (++_depth > Deepest)
        {
            throw Unsupported($"groups more than {Deepest} deep");
        }

        var options = new List<Piece>();
        do
        {
            options.Add(Parts());
        } while (Take('|'));
        _depth--;
        return Take(')') ? new Choice(options) : throw Unsupported(Next == '$' ? "an anchor within a group" : "a group without an end");
    }

    private CharacterSet Class()
    {
        var others = Take('^');
        var sets = new List<CharacterSet>();
        while (!Take(']'))
        {
            var from = Member();
            if (Next == '-' && _at + 1 < _text.Length && _text[_at + 1].Value != ']')
            {
                _at++;
                var to = Member();
                sets.Add(
                    Single(from) is { } low && Single(to) is { } high && low <= high
                        ? CharacterSet.Of(low, high)
                        : throw Unsupported("a range of a class that is not from one character to a later one")
                );
            }
            else
            {
                sets.Add(from);
            }
        }

        var set = CharacterSet.Union(sets);
        return others ? set.Others() : set;
    }

    private CharacterSet Member()
    {
        var c = Next;
        _at++;
        return c == -1 ? throw Unsupported("a class without an end")
            : c == '\\' ? Escaped(inClass: true)
            : CharacterSet.Of(c, c);
    }

    private static int? Single(CharacterSet set) => set.Ranges is [var (from, to)] && from == to ? from : null;

    private CharacterSet Escaped(bool inClass)
    {
        var c = Next;
        _at++;
        switch (c)
        {
            case 'd':
                return CharacterSet.Digits;
            case 'D':
                return CharacterSet.Digits.Others();
            case 'w':
                return CharacterSet.Words;
            case 'W':
                return CharacterSet.Words.Others();
            case 's':
                return CharacterSet.Blanks;
            case 'S':
                return CharacterSet.Blanks.Others();
        }

        var one = c switch
        {
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'f' => '\f',
            'v' => '\v',
            'b' when inClass => '\b',
            'x' => Hex(2),
            'u' when Take('{') => Braced(),
            'u' => Hex(4),
            < 0x80 and > 0 when !char.IsAsciiLetterOrDigit((char)c) => c,
            _ => throw Unsupported(c == -1 ? "a '\\' at the end" : $"'\\{char.ConvertFromUtf32(c)}'"),
        };
        return CharacterSet.Of(one, one);
    }

    private int Hex(int digits)
    {
        var text = string.Concat(_text.Skip(_at).Take(digits));
        _at += digits;
        return
            text.Length == digits
            && int.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            && value is < 0xD800 or > 0xDFFF
            ? value
            : throw Unsupported($"an escape of a character that is not {digits} hexadecimal digits of a whole one");
    }

    private int Braced()
    {
        var from = _at;
        while (!Take('}'))
        {
            _at += Next == -1 || _at - from > 6 ? throw Unsupported("an escape of a character without an end") : 1;
        }

        return
            int.TryParse(string.Concat(_text[from..(_at - 1)]), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            && Rune.IsValid(value)
            ? value
            : throw Unsupported("an escape of no character");
    }

    private FormatException Unsupported(string what) =>
        new($"has {what}, which is not supported (at character {Math.Min(_at, _text.Length)})");
}
