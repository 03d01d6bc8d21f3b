using System.Buffers;

namespace AgentLightning.Models.Tokenizers;

/// <summary>
/// Brings free text or Markdown into the form that features are made of: lower case, every run of digits one <c>0</c>,
/// an address one word, code blocks and HTML comments left out, headings also set aside.
/// </summary>
/// <remarks>Reuses its buffers; one instance per thread.</remarks>
internal sealed class TextCleaner
{
    private static readonly SearchValues<char> s_urlEnds = SearchValues.Create(" \t\r\n)]>\"'");
    private const string UrlWord = " urlurl ";
    private const string CodeWord = " codecode ";
    private char[] _text = new char[1024];
    private char[] _headings = new char[256];
    private int _textLength, _headingsLength;

    public ReadOnlySpan<char> Text => _text.AsSpan(0, _textLength);

    public ReadOnlySpan<char> Headings => _headings.AsSpan(0, _headingsLength);

    public int CodeBlocks { get; private set; }

    public int Urls { get; private set; }

    public int Lines { get; private set; }

    /// <summary>Reads at most <paramref name="maxCharacters"/> characters of <paramref name="source"/>; a longer text is cut there.</summary>
    public void Clean(ReadOnlySpan<char> source, int maxCharacters)
    {
        _textLength = _headingsLength = CodeBlocks = Urls = Lines = 0;
        if (_text.Length < Math.Min(source.Length, maxCharacters) + 64)
        {
            _text = new char[Math.Min(source.Length, maxCharacters) + 1024];
        }

        var inCode = false;
        while (source.Length > 0 && _textLength < maxCharacters)
        {
            var end = source.IndexOf('\n');
            var line = end < 0 ? source : source[..end];
            source = end < 0 ? [] : source[(end + 1)..];
            Lines++;
            var trimmed = line.TrimStart();
            if (trimmed.StartsWith("```") || trimmed.StartsWith("~~~"))
            {
                inCode = !inCode;
                if (inCode)
                {
                    CodeBlocks++;
                    Append(CodeWord, maxCharacters);
                }
            }
            else if (!inCode)
            {
                var before = _textLength;
                CleanLine(ref line, ref source, maxCharacters);
                if (trimmed.Length > 1 && trimmed[0] == '#')
                {
                    AddHeading(_text.AsSpan(before, _textLength - before));
                }
            }
        }
    }

    private void CleanLine(ref ReadOnlySpan<char> line, ref ReadOnlySpan<char> rest, int maxCharacters)
    {
        for (var i = 0; i < line.Length && _textLength < maxCharacters; i++)
        {
            var c = line[i];
            if (c is 'h' or 'H' && IsUrl(line[i..]))
            {
                Urls++;
                Append(UrlWord, maxCharacters);
                i += UrlLength(line[i..]) - 1;
            }
            else if (c == '<' && line[i..].StartsWith("<!--"))
            {
                if (!SkipComment(ref line, ref i, ref rest))
                {
                    return;
                }
            }
            else if (c is >= 'a' and <= 'z' or ' ')
            {
                _text[_textLength++] = c;
            }
            else if (char.IsDigit(c))
            {
                if (_textLength == 0 || _text[_textLength - 1] != '0')
                {
                    _text[_textLength++] = '0';
                }
            }
            else
            {
                _text[_textLength++] = char.ToLowerInvariant(c);
            }
        }

        if (_textLength < maxCharacters)
        {
            _text[_textLength++] = '\n';
        }
    }

    /// <summary>Moves behind a comment that may go on over several lines; false when it never ends, and nothing is left to read.</summary>
    private static bool SkipComment(ref ReadOnlySpan<char> line, ref int i, ref ReadOnlySpan<char> rest)
    {
        var close = line[i..].IndexOf("-->");
        if (close >= 0)
        {
            i += close + 2;
            return true;
        }

        close = rest.IndexOf("-->");
        if (close < 0)
        {
            rest = [];
            return false;
        }

        rest = rest[(close + 3)..];
        return false;
    }

    private static bool IsUrl(ReadOnlySpan<char> text) =>
        text.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || text.StartsWith("https://", StringComparison.OrdinalIgnoreCase);

    private static int UrlLength(ReadOnlySpan<char> text)
    {
        var length = text.IndexOfAny(s_urlEnds);
        return length < 0 ? text.Length : length;
    }

    private void AddHeading(ReadOnlySpan<char> line)
    {
        if (_headings.Length < _headingsLength + line.Length)
        {
            Array.Resize(ref _headings, Math.Max(_headings.Length * 2, _headingsLength + line.Length));
        }

        line.CopyTo(_headings.AsSpan(_headingsLength));
        _headingsLength += line.Length;
    }

    private void Append(string word, int maxCharacters)
    {
        var length = Math.Min(word.Length, maxCharacters - _textLength);
        word.AsSpan(0, length).CopyTo(_text.AsSpan(_textLength));
        _textLength += length;
    }
}
