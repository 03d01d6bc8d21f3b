using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace AgentLightning.Datasets.Building;

/// <summary>A hash of 64 bits for tables in memory that is the same in every process; not against who looks for collisions.</summary>
internal static class StableHash
{
    private const ulong First = 0x9E3779B97F4A7C15;
    private const ulong Second = 0xD6E8FEB86659FD93;

    public static ulong Of(string text) => Of(MemoryMarshal.AsBytes(text.AsSpan()));

    public static ulong Of(ReadOnlySpan<byte> bytes, ulong seed = 0)
    {
        var hash = Mix(seed ^ First, (ulong)bytes.Length ^ Second);
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes), First);
        }

        if (bytes.Length > 0)
        {
            var rest = 0UL;
            for (var i = bytes.Length - 1; i >= 0; i--)
            {
                rest = (rest << 8) | bytes[i];
            }

            hash = Mix(hash ^ rest, Second);
        }

        return Mix(hash, Second);
    }

    /// <summary>Of letters and digits alone, in lower case where they are of ASCII: the same of texts that say the same.</summary>
    public static ulong OfWords(ReadOnlySpan<byte> text)
    {
        var (hash, word, inWord) = (First, 0UL, false);
        foreach (var b in text)
        {
            if (b >= 0x80 || char.IsAsciiLetterOrDigit((char)b))
            {
                word = ((word << 5 | word >> 59) ^ (b is >= (byte)'A' and <= (byte)'Z' ? (byte)(b | 0x20) : b)) * 0x517CC1B727220A95;
                inWord = true;
            }
            else if (inWord)
            {
                (hash, word, inWord) = (Mix(hash ^ word, Second), 0, false);
            }
        }

        return Mix(hash ^ word, Second);
    }

    /// <summary>Both halves of the product of 128 bits, together.</summary>
    public static ulong Mix(ulong left, ulong right)
    {
        var high = Math.BigMul(left, right, out var low);
        return high ^ low;
    }
}
