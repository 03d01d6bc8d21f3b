using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace AgentLightning.Governance;

/// <summary>Tells JSON from other text, and reads and writes its strings.</summary>
internal static class JsonText
{
    /// <summary>
    /// Where JSON begins that lasts to the end: 0, or behind a few words such as <c>Call tool 'x' with arguments:</c>; −1 when there is
    /// none.
    /// </summary>
    public static int Begin(ReadOnlySpan<char> text)
    {
        var trimmed = text.TrimEnd();
        if (trimmed.IsEmpty || trimmed[^1] is not ('}' or ']' or '"'))
        {
            return -1;
        }

        var start = text.IndexOfAnyExcept(" \t\r\n");
        if (text[start] is '{' or '[' or '"')
        {
            return IsValid(text[start..]) ? start : -1;
        }

        start = trimmed[^1] switch
        {
            '}' => text.IndexOf('{'),
            ']' => text.IndexOf('['),
            _ => -1,
        };
        return start > 0 && IsValid(text[start..]) ? start : -1;
    }

    /// <summary>
    /// Writes what the characters between the quotes of a JSON string say; halves of surrogate pairs stay as they are. Gives how many
    /// characters that are, at most as many as came.
    /// </summary>
    public static int Unescape(ReadOnlySpan<char> raw, Span<char> text)
    {
        var length = 0;
        while (raw.IndexOf('\\') is >= 0 and var stroke)
        {
            raw[..stroke].CopyTo(text[length..]);
            length += stroke;
            var sign = raw[stroke + 1];
            text[length++] = sign switch
            {
                'u' => (char)ushort.Parse(raw.Slice(stroke + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'b' => '\b',
                'f' => '\f',
                _ => sign,
            };
            raw = raw[(stroke + (sign == 'u' ? 6 : 2))..];
        }

        raw.CopyTo(text[length..]);
        return length + raw.Length;
    }

    public static string Escape(string text) => JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text);

    private static bool IsValid(ReadOnlySpan<char> text)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        try
        {
            var reader = new Utf8JsonReader(
                bytes.AsSpan(0, Encoding.UTF8.GetBytes(text, bytes)),
                new JsonReaderOptions { AllowMultipleValues = true, MaxDepth = int.MaxValue }
            );
            while (reader.Read()) { }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}
