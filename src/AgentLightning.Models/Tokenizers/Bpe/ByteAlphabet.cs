using System.Text;

namespace AgentLightning.Models.Tokenizers.Bpe;

/// <summary>
/// The printable characters that byte-level vocabularies write bytes with: those of Latin-1 that are visible stand for themselves, the
/// other 68 follow from U+0100.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] s_chars = Make();
    private static readonly short[] s_bytes = Invert();

    public static char CharOf(byte value) => s_chars[value];

    /// <summary>The byte that a character stands for, or −1.</summary>
    public static int ByteOf(char c) => c < s_bytes.Length ? s_bytes[c] : -1;

    /// <summary>UTF-8 bytes as characters of the alphabet.</summary>
    public static string Write(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        foreach (var value in bytes)
        {
            text.Append(s_chars[value]);
        }

        return text.ToString();
    }

    /// <summary>The bytes of a token, or those of the text itself where it has characters outside the alphabet.</summary>
    public static byte[] Read(string token)
    {
        var bytes = new byte[token.Length];
        for (var i = 0; i < token.Length; i++)
        {
            if (ByteOf(token[i]) is var value and >= 0)
            {
                bytes[i] = (byte)value;
            }
            else
            {
                return Encoding.UTF8.GetBytes(token);
            }
        }

        return bytes;
    }

    private static char[] Make()
    {
        var chars = new char[256];
        var next = (char)256;
        for (var value = 0; value < 256; value++)
        {
            chars[value] = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE ? (char)value : next++;
        }

        return chars;
    }

    private static short[] Invert()
    {
        var bytes = new short[s_chars.Max() + 1];
        Array.Fill(bytes, (short)-1);
        for (var value = 0; value < 256; value++)
        {
            bytes[s_chars[value]] = (short)value;
        }

        return bytes;
    }
}
