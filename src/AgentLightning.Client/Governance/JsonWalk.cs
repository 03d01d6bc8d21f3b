using System.Buffers;
using System.Text;

namespace AgentLightning.Governance;

/// <summary>
/// Goes through valid JSON and writes it again with only the values changed that hold something: white space, order and the form of
/// everything else stay.
/// </summary>
internal ref struct JsonWalk(ReadOnlySpan<char> text, int nesting)
{
    private readonly ReadOnlySpan<char> _text = text;
    private ReadOnlySpan<char> _key;
    private bool _keyIsSecret;
    private bool _namedIsSecret;
    private int _depth;
    private int _secretDepth = int.MaxValue;
    private int _copied;
    private StringBuilder? _output;

    /// <summary>The JSON without what was found, or null when nothing was.</summary>
    public string? Run(ref RedactionRun run)
    {
        for (var i = 0; i < _text.Length; )
        {
            switch (_text[i])
            {
                case '"':
                    i = String(i, ref run);
                    break;
                case '{' or '[':
                    _depth++;
                    if (_keyIsSecret && (_text[i] == '[' || SecretNames.IsCollection(_key)))
                    {
                        _secretDepth = Math.Min(_secretDepth, _depth);
                    }

                    (_keyIsSecret, _namedIsSecret) = (false, false);
                    i++;
                    break;
                case '}' or ']':
                    _secretDepth = _depth == _secretDepth ? int.MaxValue : _secretDepth;
                    _depth--;
                    _key = default;
                    (_keyIsSecret, _namedIsSecret) = (false, false);
                    i++;
                    break;
                case '-' or (>= '0' and <= '9'):
                    i = Number(i, ref run);
                    break;
                default:
                    i++;
                    break;
            }
        }

        return _output?.Append(_text[_copied..]).ToString();
    }

    private int String(int quote, ref RedactionRun run)
    {
        var end = quote + 1;
        var escaped = false;
        while (true)
        {
            end += _text[end..].IndexOfAny('"', '\\');
            if (_text[end] == '"')
            {
                break;
            }

            (escaped, end) = (true, end + 2);
        }

        var raw = _text[(quote + 1)..end];
        var next = end + 1;
        while (next < _text.Length && _text[next] is ' ' or '\t' or '\r' or '\n')
        {
            next++;
        }

        if (next < _text.Length && _text[next] == ':')
        {
            Key(quote, end, escaped ? Unescaped(raw) : raw, ref run);
            return next + 1;
        }

        if (!escaped)
        {
            Value(quote, end, raw, ref run);
            return end + 1;
        }

        var buffer = ArrayPool<char>.Shared.Rent(raw.Length);
        try
        {
            Value(quote, end, buffer.AsSpan(0, JsonText.Unescape(raw, buffer)), ref run);
        }
        finally
        {
            ArrayPool<char>.Shared.Return(buffer);
        }

        return end + 1;
    }

    private void Key(int quote, int end, ReadOnlySpan<char> name, ref RedactionRun run)
    {
        _key = name;
        if (run.IsCleanName(name, out var isSecret))
        {
            _keyIsSecret = isSecret;
            return;
        }

        var replaced = run.Redact(name, default, nesting + 1);
        if (replaced is not null)
        {
            Replace(quote + 1, end, JsonText.Escape(replaced));
        }

        _keyIsSecret = SecretNames.IsSecret(name);
        run.RememberName(name, isClean: replaced is null, _keyIsSecret);
    }

    private void Value(int quote, int end, ReadOnlySpan<char> value, scoped ref RedactionRun run)
    {
        var isSecret = run.Secrets && (_keyIsSecret || _depth >= _secretDepth || (_namedIsSecret && _key is "value" or "Value"));
        var replaced = isSecret ? run.Hide(value) : run.Redact(value, _key, nesting + 1);
        if (replaced is not null)
        {
            Replace(quote + 1, end, JsonText.Escape(replaced));
        }

        // {"name": "api_key", "value": "…"}
        _namedIsSecret = _key is "name" or "key" or "header" or "Name" or "Key" ? SecretNames.IsSecret(value) : _namedIsSecret;
        _keyIsSecret = false;
    }

    /// <summary>A name lives on beside its value, and so it cannot lie in a buffer that is given back.</summary>
    private static char[] Unescaped(ReadOnlySpan<char> raw)
    {
        var name = new char[raw.Length];
        return name[..JsonText.Unescape(raw, name)];
    }

    private int Number(int start, ref RedactionRun run)
    {
        var end = start;
        while (end < _text.Length && (char.IsAsciiDigit(_text[end]) || _text[end] is '-' or '+' or '.' or 'e' or 'E'))
        {
            end++;
        }

        var number = _text[start..end];
        var isSecret = run.Secrets && ((_keyIsSecret && !SecretNames.CountsThings(_key)) || _depth >= _secretDepth);
        var replaced = isSecret ? run.Hide(number) : run.RedactNumber(number, _key);
        if (replaced is not null)
        {
            Replace(start, end, $"\"{replaced}\"");
        }

        _keyIsSecret = false;
        return end;
    }

    private void Replace(int start, int end, string by)
    {
        _output = (_output ?? new StringBuilder(_text.Length)).Append(_text[_copied..start]).Append(by);
        _copied = end;
    }
}
