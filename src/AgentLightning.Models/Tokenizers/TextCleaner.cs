using System.Buffers;

namespace AgentLightning.Models.Tokenizers;

/// <summary>
/// Brings free text or Markdown into the form that features are made of: lower case, every run of digits one <c>0</c>, every run of blanks
/// one, an address one word; code blocks and HTML comments are set aside.
/// </summary>
/// <remarks>Reuses its buffers; one instance per thread.</remarks>
internal sealed class TextCleaner
{
    private const string UrlWord = " urlurl ";
    private const string CodeWord = " codecode ";
    private static readonly SearchValues<char> s_urlEnds = SearchValues.Create(" \t\r\n)]>\"'");
    private readonly CleanText _text = new();
    private readonly CleanText _aside = new();
    private bool _inComment;

    /// <summary>What people wrote.</summary>
    public ReadOnlySpan<char> Text => _text.Characters;

    /// <summary>What was pasted or came with a template: the insides of code blocks and comments.</summary>
    public ReadOnlySpan<char> Aside => _aside.Characters;

    public int CodeBlocks { get; private set; }

    public int Urls { get; private set; }

    public int Lines { get; private set; }

    public int Headings { get; private set; }

    /// <summary>
    /// Reads <paramref name="source"/> until there are <paramref name="maxCharacters"/> of clean text; of what is set aside, only the first
    /// <paramref name="maxAside"/> are kept.
    /// </summary>
    public void Clean(ReadOnlySpan<char> source, int maxCharacters, int maxAside)
    {
        _text.Clear(maxCharacters);
        _aside.Clear(maxAside);
        CodeBlocks = Urls = Lines = Headings = 0;
        _inComment = false;
        var inCode = false;
        while (source.Length > 0 && !_text.IsFull)
        {
            var end = source.IndexOf('\n');
            var line = end < 0 ? source : source[..end];
            source = end < 0 ? [] : source[(end + 1)..];
            Lines++;
            var trimmed = line.TrimStart();
            if (!_inComment && (trimmed.StartsWith("```") || trimmed.StartsWith("~~~")))
            {
                inCode = !inCode;
                if (inCode)
                {
                    CodeBlocks++;
                    _text.Append(CodeWord);
                }
            }
            else if (inCode)
            {
                if (!_aside.IsFull)
                {
                    CleanLine(line, _aside);
                }
            }
            else
            {
                Headings += trimmed.Length > 1 && trimmed[0] == '#' ? 1 : 0;
                CleanLine(line, _text);
            }
        }
    }

    private void CleanLine(ReadOnlySpan<char> line, CleanText home)
    {
        for (var i = 0; i < line.Length && !_text.IsFull; i++)
        {
            var target = _inComment ? _aside : home;
            var c = line[i];
            if (c is 'h' or 'H' && IsUrl(line[i..]))
            {
                Urls++;
                target.Append(UrlWord);
                i += UrlLength(line[i..]) - 1;
            }
            else if (c == '<' && home == _text && line[i..].StartsWith("<!--"))
            {
                _inComment = true;
                i += 3;
            }
            else if (c == '-' && _inComment && line[i..].StartsWith("-->"))
            {
                _inComment = false;
                i += 2;
            }
            else
            {
                target.Append(c);
            }
        }

        (_inComment ? _aside : home).Append(' ');
    }

    private static bool IsUrl(ReadOnlySpan<char> text) =>
        text.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || text.StartsWith("https://", StringComparison.OrdinalIgnoreCase);

    private static int UrlLength(ReadOnlySpan<char> text)
    {
        var length = text.IndexOfAny(s_urlEnds);
        return length < 0 ? text.Length : length;
    }

    /// <summary>A buffer that cleans what is appended to it, up to a limit.</summary>
    private sealed class CleanText
    {
        private char[] _characters = new char[1024];
        private int _length,
            _limit;
        private char _last;

        public ReadOnlySpan<char> Characters => _characters.AsSpan(0, _length);

        public bool IsFull => _length >= _limit;

        public void Clear(int limit) => (_length, _limit, _last) = (0, limit, ' ');

        public void Append(string word)
        {
            foreach (var c in word)
            {
                Append(c);
            }
        }

        public void Append(char c)
        {
            if (c is not (>= 'a' and <= 'z'))
            {
                c =
                    char.IsDigit(c) ? '0'
                    : char.IsWhiteSpace(c) ? ' '
                    : char.ToLowerInvariant(c);
                if (c == _last && c is '0' or ' ')
                {
                    return;
                }
            }

            if (_length >= _limit)
            {
                return;
            }

            if (_length == _characters.Length)
            {
                Array.Resize(ref _characters, _length * 2);
            }

            _characters[_length++] = _last = c;
        }
    }
}
