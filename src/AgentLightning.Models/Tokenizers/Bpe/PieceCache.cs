using System.Runtime.InteropServices;

namespace AgentLightning.Models.Tokenizers.Bpe;

/// <summary>The tokens of pieces seen lately. A new piece takes the place of another with the same slot, so that it never grows.</summary>
/// <remarks>Without locks: entries never change, and taking or setting a reference is atomic.</remarks>
internal sealed class PieceCache
{
    /// <summary>Longer pieces are rare, and would let a hostile text fill the memory.</summary>
    public const int LongestPiece = 64;

    private const int Bits = 15;
    private readonly Entry?[] _entries = new Entry?[1 << Bits];

    public static int SlotOf(ReadOnlySpan<char> piece)
    {
        var hash = (ulong)piece.Length;
        while (piece.Length >= 4)
        {
            hash = (hash ^ MemoryMarshal.Read<ulong>(MemoryMarshal.AsBytes(piece))) * 0x9E3779B97F4A7C15;
            hash ^= hash >> 32;
            piece = piece[4..];
        }

        foreach (var c in piece)
        {
            hash = (hash ^ c) * 0x9E3779B97F4A7C15;
        }

        return (int)(hash >> (64 - Bits));
    }

    public int[]? Find(ReadOnlySpan<char> piece, int slot) =>
        _entries[slot] is { } entry && piece.SequenceEqual(entry.Piece) ? entry.Ids : null;

    public void Keep(ReadOnlySpan<char> piece, int slot, ReadOnlySpan<int> ids) =>
        _entries[slot] = new Entry(piece.ToString(), ids.ToArray());

    private sealed record Entry(string Piece, int[] Ids);
}
