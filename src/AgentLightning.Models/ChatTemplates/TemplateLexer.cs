using System.Globalization;
using System.Text;

namespace AgentLightning.Models.ChatTemplates;

/// <summary>
/// Cuts a template into tokens. White space as Hugging Face sets it: the first line end after a tag goes (trim_blocks), and so do blanks
/// before a tag at the start of a line (lstrip_blocks).
/// </summary>
internal sealed class TemplateLexer
{
    private static readonly string[] s_operators =
    [
        "//",
        "**",
        "==",
        "!=",
        "<=",
        ">=",
        "+",
        "-",
        "*",
        "/",
        "%",
        "~",
        "<",
        ">",
        "=",
        "|",
        ".",
        ",",
        ":",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
    ];
    private readonly string _source;
    private readonly List<TemplateToken> _tokens = [];
    private int _at;
    private int _line = 1;

    private TemplateLexer(string source) => _source = source;

    public static List<TemplateToken> Read(string source)
    {
        source = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        var lexer = new TemplateLexer(source.EndsWith('\n') ? source[..^1] : source);
        lexer.Read();
        return lexer._tokens;
    }

    private void Read()
    {
        var lineStarts = true;
        while (_at < _source.Length)
        {
            var open = NextOpening();
            var text = _source[_at..open];
            if (open < _source.Length)
            {
                text = BeforeTag(text, open, lineStarts);
            }

            Add(TokenKind.Text, text);
            Advance(open);
            if (open < _source.Length)
            {
                var kind = _source[open + 1];
                ReadTag(kind);
                lineStarts = _at > 0 && _source[_at - 1] == '\n';
            }
        }

        Add(TokenKind.End, "the end of the template");
    }

    private int NextOpening()
    {
        for (var i = _at; i + 1 < _source.Length; i++)
        {
            if (_source[i] == '{' && _source[i + 1] is '{' or '%' or '#')
            {
                return i;
            }
        }

        return _source.Length;
    }

    private string BeforeTag(string text, int open, bool lineStarts)
    {
        var sign = open + 2 < _source.Length ? _source[open + 2] : '\0';
        if (sign == '-')
        {
            return text.TrimEnd();
        }

        if (_source[open + 1] == '{' || sign == '+')
        {
            return text;
        }

        var line = text.LastIndexOf('\n') + 1;
        return (line > 0 || lineStarts) && text.AsSpan(line).IsWhiteSpace() ? text[..line] : text;
    }

    private void ReadTag(char kind)
    {
        if (kind == '#')
        {
            var end = _source.IndexOf("#}", _at + 2, StringComparison.Ordinal);
            if (end < 0)
            {
                throw Error("This comment has no end '#}'.");
            }

            var trims = _source[end - 1] == '-' && end - 1 >= _at + 2;
            Advance(end + 2);
            AfterTag(trims, true);
            return;
        }

        Add(kind == '{' ? TokenKind.OutputStart : TokenKind.TagStart, "");
        Advance(_at + 2 + (_at + 2 < _source.Length && _source[_at + 2] is '-' or '+' ? 1 : 0));
        ReadInside(kind);
        if (kind == '%' && _tokens[^2] is { Kind: TokenKind.Name, Text: "raw" } && _tokens[^3].Kind == TokenKind.TagStart)
        {
            ReadRaw();
        }
    }

    private void ReadInside(char kind)
    {
        var close = kind == '{' ? "}}" : "%}";
        var opened = new Stack<char>();
        while (true)
        {
            while (_at < _source.Length && char.IsWhiteSpace(_source[_at]))
            {
                Advance(_at + 1);
            }

            if (_at >= _source.Length)
            {
                throw Error($"A tag has no end '{close}'.");
            }

            if (opened.Count == 0)
            {
                var sign = _source[_at] is '-' or '+' && string.CompareOrdinal(_source, _at + 1, close, 0, 2) == 0 ? _source[_at] : '\0';
                if (sign != '\0' || string.CompareOrdinal(_source, _at, close, 0, 2) == 0)
                {
                    Add(kind == '{' ? TokenKind.OutputEnd : TokenKind.TagEnd, close);
                    Advance(_at + (sign == '\0' ? 2 : 3));
                    AfterTag(sign == '-', kind == '%' && sign != '+');
                    return;
                }
            }

            ReadOne(opened);
        }
    }

    private void AfterTag(bool trims, bool takesLineEnd)
    {
        if (trims)
        {
            while (_at < _source.Length && char.IsWhiteSpace(_source[_at]))
            {
                Advance(_at + 1);
            }
        }
        else if (takesLineEnd && _at < _source.Length && _source[_at] == '\n')
        {
            Advance(_at + 1);
        }
    }

    private void ReadOne(Stack<char> opened)
    {
        var c = _source[_at];
        if (c is '\'' or '"')
        {
            ReadString(c);
        }
        else if (char.IsAsciiDigit(c))
        {
            ReadNumber();
        }
        else if (char.IsLetter(c) || c == '_')
        {
            var end = _at;
            while (end < _source.Length && (char.IsLetterOrDigit(_source[end]) || _source[end] == '_'))
            {
                end++;
            }

            Take(TokenKind.Name, end);
        }
        else
        {
            var found = Array.Find(s_operators, one => string.CompareOrdinal(_source, _at, one, 0, one.Length) == 0)
                ?? throw Error($"'{c}' has no meaning in a tag.");
            if (found is "(" or "[" or "{")
            {
                opened.Push(found[0]);
            }
            else if (
                found is ")" or "]" or "}"
                && (!opened.TryPop(out var open) || (open, found) is not (('(', ")") or ('[', "]") or ('{', "}")))
            )
            {
                throw Error($"'{found}' closes nothing that is open.");
            }

            Take(TokenKind.Operator, _at + found.Length);
        }
    }

    private void ReadNumber()
    {
        var end = _at;
        while (end < _source.Length && (char.IsAsciiDigit(_source[end]) || _source[end] == '_'))
        {
            end++;
        }

        var whole = true;
        if (end + 1 < _source.Length && _source[end] == '.' && char.IsAsciiDigit(_source[end + 1]))
        {
            whole = false;
            for (end++; end < _source.Length && char.IsAsciiDigit(_source[end]); end++) { }
        }

        if (end < _source.Length && _source[end] is 'e' or 'E')
        {
            var digits = end + (end + 1 < _source.Length && _source[end + 1] is '+' or '-' ? 2 : 1);
            if (digits < _source.Length && char.IsAsciiDigit(_source[digits]))
            {
                whole = false;
                for (end = digits; end < _source.Length && char.IsAsciiDigit(_source[end]); end++) { }
            }
        }

        Take(whole ? TokenKind.Integer : TokenKind.Float, end);
    }

    private void ReadString(char quote)
    {
        var text = new StringBuilder();
        var line = _line;
        var i = _at + 1;
        for (; i < _source.Length && _source[i] != quote; i++)
        {
            if (_source[i] != '\\')
            {
                text.Append(_source[i]);
            }
            else if (++i < _source.Length)
            {
                i = ReadEscape(i, text);
            }
        }

        if (i >= _source.Length)
        {
            throw Error($"A text has no closing {quote}.");
        }

        Advance(i + 1);
        _tokens.Add(new TemplateToken(TokenKind.String, text.ToString(), line));
    }

    private int ReadEscape(int i, StringBuilder text)
    {
        var digits = _source[i] switch
        {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        if (digits > 0)
        {
            if (
                i + digits < _source.Length
                && int.TryParse(_source.AsSpan(i + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var point)
                && point is >= 0 and <= 0x10FFFF
            )
            {
                text.Append(point is >= 0xD800 and <= 0xDFFF ? ((char)point).ToString() : char.ConvertFromUtf32(point));
                return i + digits;
            }

            throw Error($"'\\{_source[i]}' is not followed by {digits} hexadecimal digits of a character.");
        }

        switch (_source[i])
        {
            case 'n':
                text.Append('\n');
                break;
            case 't':
                text.Append('\t');
                break;
            case 'r':
                text.Append('\r');
                break;
            case 'b':
                text.Append('\b');
                break;
            case 'f':
                text.Append('\f');
                break;
            case 'v':
                text.Append('\v');
                break;
            case 'a':
                text.Append('\a');
                break;
            case '0':
                text.Append('\0');
                break;
            case '\n':
                break;
            case '\\' or '\'' or '"':
                text.Append(_source[i]);
                break;
            default:
                text.Append('\\').Append(_source[i]);
                break;
        }

        return i;
    }

    private void ReadRaw()
    {
        _tokens.RemoveRange(_tokens.Count - 3, 3);
        for (var i = _at; ; i += 2)
        {
            i = _source.IndexOf("{%", i, StringComparison.Ordinal);
            if (i < 0)
            {
                throw Error("A 'raw' has no 'endraw'.");
            }

            var close = _source.IndexOf("%}", i, StringComparison.Ordinal);
            if (close > 0 && _source[(i + 2)..close].Trim('-', '+', ' ', '\t', '\n') == "endraw")
            {
                Add(TokenKind.Text, BeforeTag(_source[_at..i], i, lineStarts: _source[_at - 1] == '\n'));
                var sign = _source[close - 1];
                Advance(close + 2);
                AfterTag(sign == '-', sign != '+');
                return;
            }
        }
    }

    private void Take(TokenKind kind, int end)
    {
        Add(kind, _source[_at..end]);
        Advance(end);
    }

    private void Add(TokenKind kind, string text)
    {
        if (kind != TokenKind.Text || text.Length > 0)
        {
            _tokens.Add(new TemplateToken(kind, text, _line));
        }
    }

    private void Advance(int to)
    {
        _line += _source.AsSpan(_at, to - _at).Count('\n');
        _at = to;
    }

    private ChatTemplateException Error(string message) => new(_line, message);
}
