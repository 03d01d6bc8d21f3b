namespace AgentLightning.Models.Tokenizers.Bpe;

/// <summary>Which pairs of tokens merge, in which order, into what. Open addressing over one array: a look-up is one cache line.</summary>
internal sealed class MergeTable
{
    private readonly record struct Entry(int Left, int Right, int Rank, int Merged);

    private readonly Entry[] _entries;
    private readonly int _shift;

    public MergeTable(IReadOnlyList<(int Left, int Right, int Merged)> merges)
    {
        var bits = 4;
        while (1 << bits < merges.Count * 2)
        {
            bits++;
        }

        _shift = 64 - bits;
        _entries = new Entry[1 << bits];
        Array.Fill(_entries, new Entry(-1, -1, -1, -1));
        for (var rank = 0; rank < merges.Count; rank++)
        {
            var (left, right, merged) = merges[rank];
            _entries[SlotOf(left, right)] = new Entry(left, right, rank, merged);
        }
    }

    /// <summary>No pair: merges last.</summary>
    public const int Never = int.MaxValue;

    public int RankOf(int left, int right) => _entries[SlotOf(left, right)] is { Left: >= 0 } entry ? entry.Rank : Never;

    public int MergedOf(int left, int right) => _entries[SlotOf(left, right)].Merged;

    private int SlotOf(int left, int right)
    {
        var slot = (int)(((((ulong)(uint)left << 32) | (uint)right) * 0x9E3779B97F4A7C15) >> _shift);
        while (_entries[slot].Left >= 0 && (_entries[slot].Left != left || _entries[slot].Right != right))
        {
            slot = (slot + 1) & (_entries.Length - 1);
        }

        return slot;
    }
}
