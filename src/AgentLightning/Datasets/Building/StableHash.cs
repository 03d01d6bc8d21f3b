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

    /// <summary>Both halves of the product of 128 bits, together.</summary>
    public static ulong Mix(ulong left, ulong right)
    {
        var high = Math.BigMul(left, right, out var low);
        return high ^ low;
    }
}
