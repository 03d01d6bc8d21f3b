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

    /// <summary>What the characters between the quotes of a JSON string say; halves of surrogate pairs stay as they are.</summary>
    public static string Unescape(ReadOnlySpan<char> raw)
    {
        var text = new StringBuilder(raw.Length);
        while (raw.IndexOf('\\') is >= 0 and var stroke)
        {
            text.Append(raw[..stroke]);
            var sign = raw[stroke + 1];
            var length = sign == 'u' ? 6 : 2;
            text.Append(
                sign switch
                {
                    'u' => (char)ushort.Parse(raw.Slice(stroke + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'b' => '\b',
                    'f' => '\f',
                    _ => sign,
                }
            );
            raw = raw[(stroke + length)..];
        }

        return text.Append(raw).ToString();
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
