using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace AgentLightning.Datasets.Building;

/// <summary>Writes JSON out of texts in UTF-8, escaped as the one dialect of the product does it.</summary>
internal static class JsonBytes
{
    private static readonly JavaScriptEncoder s_encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    /// <summary>A string with its quotes.</summary>
    public static void WriteText(this ArrayBufferWriter<byte> target, ReadOnlySpan<byte> text)
    {
        target.Write("\""u8);
        target.WriteEscaped(text);
        target.Write("\""u8);
    }

    /// <inheritdoc cref="WriteText(ArrayBufferWriter{byte}, ReadOnlySpan{byte})"/>
    public static void WriteText(this ArrayBufferWriter<byte> target, string text)
    {
        if (text.Length <= 256)
        {
            Span<byte> bytes = stackalloc byte[text.Length * 3];
            target.WriteText(bytes[..Encoding.UTF8.GetBytes(text, bytes)]);
        }
        else
        {
            target.WriteText(Encoding.UTF8.GetBytes(text));
        }
    }

    /// <summary>What stands between the quotes of a string.</summary>
    public static void WriteEscaped(this ArrayBufferWriter<byte> target, ReadOnlySpan<byte> text)
    {
        while (!text.IsEmpty)
        {
            var plain = s_encoder.FindFirstCharacterToEncodeUtf8(text);
            if (plain < 0)
            {
                target.Write(text);
                return;
            }

            target.Write(text[..plain]);
            text = text[plain..];
            // At most six bytes become of one; a piece at a time, so that a long text asks for no more room than it needs.
            var room = target.GetSpan(Math.Min(text.Length * 6, 4_096));
            s_encoder.EncodeUtf8(text[..Math.Min(text.Length, 512)], room, out var read, out var written, text.Length <= 512);
            target.Advance(written);
            text = text[read..];
        }
    }

    public static void WriteNumber(this ArrayBufferWriter<byte> target, double number)
    {
        number.TryFormat(target.GetSpan(32), out var written, default, CultureInfo.InvariantCulture);
        target.Advance(written);
    }

    /// <summary>The text of a JSON string, which is given with its quotes. What is not escaped is not copied.</summary>
    public static ReadOnlySpan<byte> TextOf(ReadOnlySpan<byte> quoted)
    {
        if (!quoted.Contains((byte)'\\'))
        {
            return quoted[1..^1];
        }

        var reader = new Utf8JsonReader(quoted);
        reader.Read();
        var text = new byte[quoted.Length];
        return text.AsSpan(0, reader.CopyString(text));
    }
}
