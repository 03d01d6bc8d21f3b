using System.Buffers;
using System.Globalization;
using System.Text;

namespace AgentLightning.Traces.Otlp;

/// <summary>
/// Writes JSON in UTF-8, one piece after another, into one buffer of the pool. Texts go from the wire into it as they are, but for the few
/// characters that JSON has no place for. U+0000, which no store keeps in a text, becomes U+FFFD.
/// </summary>
internal sealed class BodyWriter(int size) : IDisposable
{
    private const int SmallestBuffer = 1_024;
    private const int LongestNumber = 32;

    /// <summary><c>\u0000</c>.</summary>
    private const int LongestEscape = 6;

    private static readonly SearchValues<byte> s_escaped = SearchValues.Create([
        .. Enumerable.Range(0, 0x20).Select(i => (byte)i),
        (byte)'"',
        (byte)'\\',
        0x7f,
    ]);

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(SmallestBuffer, size));
    private bool _needsComma;

    /// <summary>Bytes written so far.</summary>
    public int Count { get; private set; }

    /// <summary>What was written; until more is, or it is disposed of.</summary>
    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, Count);

    /// <summary>Ends a piece of JSON: what follows is another.</summary>
    public void Reset() => _needsComma = false;

    public void WriteStartObject() => Open((byte)'{');

    public void WriteStartObject(ReadOnlySpan<byte> name)
    {
        WritePropertyName(name);
        Open((byte)'{');
    }

    public void WriteEndObject() => Close((byte)'}');

    public void WriteStartArray() => Open((byte)'[');

    public void WriteStartArray(ReadOnlySpan<byte> name)
    {
        WritePropertyName(name);
        Open((byte)'[');
    }

    public void WriteEndArray() => Close((byte)']');

    /// <param name="name">Valid UTF-8.</param>
    public void WritePropertyName(ReadOnlySpan<byte> name)
    {
        WriteStringValue(name);
        Append((byte)':');
        _needsComma = false;
    }

    public void WritePropertyName(string name)
    {
        WriteStringValue(name);
        Append((byte)':');
        _needsComma = false;
    }

    /// <param name="text">Valid UTF-8.</param>
    public void WriteStringValue(ReadOnlySpan<byte> text)
    {
        Comma();
        Reserve(text.Length + 2);
        _buffer[Count++] = (byte)'"';
        while (text.IndexOfAny(s_escaped) is >= 0 and var at)
        {
            Append(text[..at]);
            Escape(text[at]);
            text = text[(at + 1)..];
        }

        Append(text);
        Append((byte)'"');
        _needsComma = true;
    }

    public void WriteStringValue(string text)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        WriteStringValue(bytes.AsSpan(0, Encoding.UTF8.GetBytes(text, bytes)));
        ArrayPool<byte>.Shared.Return(bytes);
    }

    public void WriteString(ReadOnlySpan<byte> name, string text)
    {
        WritePropertyName(name);
        WriteStringValue(text);
    }

    public void WriteNumber(ReadOnlySpan<byte> name, long value)
    {
        WritePropertyName(name);
        WriteNumberValue(value);
    }

    public void WriteNumberValue(long value)
    {
        Comma();
        Reserve(LongestNumber);
        value.TryFormat(_buffer.AsSpan(Count), out var written, default, CultureInfo.InvariantCulture);
        Count += written;
        _needsComma = true;
    }

    /// <param name="value">A finite number.</param>
    public void WriteNumberValue(double value)
    {
        Comma();
        Reserve(LongestNumber);
        value.TryFormat(_buffer.AsSpan(Count), out var written, default, CultureInfo.InvariantCulture);
        Count += written;
        _needsComma = true;
    }

    public void WriteBooleanValue(bool value) => Word(value ? "true"u8 : "false"u8);

    public void WriteNullValue() => Word("null"u8);

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        (_buffer, Count) = ([], 0);
    }

    private void Word(ReadOnlySpan<byte> word)
    {
        Comma();
        Append(word);
        _needsComma = true;
    }

    private void Open(byte sign)
    {
        Comma();
        Append(sign);
        _needsComma = false;
    }

    private void Close(byte sign)
    {
        Append(sign);
        _needsComma = true;
    }

    private void Comma()
    {
        if (_needsComma)
        {
            Append((byte)',');
        }
    }

    private void Escape(byte sign)
    {
        Reserve(LongestEscape);
        ReadOnlySpan<byte> escaped = sign switch
        {
            (byte)'"' => "\\\""u8,
            (byte)'\\' => "\\\\"u8,
            (byte)'\n' => "\\n"u8,
            (byte)'\r' => "\\r"u8,
            (byte)'\t' => "\\t"u8,
            (byte)'\b' => "\\b"u8,
            (byte)'\f' => "\\f"u8,
            0 => "\\ufffd"u8,
            _ => [],
        };
        if (escaped.IsEmpty)
        {
            Append("\\u00"u8);
            sign.TryFormat(_buffer.AsSpan(Count), out var written, "x2", CultureInfo.InvariantCulture);
            Count += written;
        }
        else
        {
            Append(escaped);
        }
    }

    private void Append(byte sign)
    {
        Reserve(1);
        _buffer[Count++] = sign;
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        Reserve(bytes.Length);
        bytes.CopyTo(_buffer.AsSpan(Count));
        Count += bytes.Length;
    }

    private void Reserve(int bytes)
    {
        if (_buffer.Length - Count >= bytes)
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_buffer.Length * 2, Count + bytes));
        Written.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
