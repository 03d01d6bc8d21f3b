namespace AgentLightning.Models.Tokenizers.Bpe;

/// <summary>Merges symbols in place: always the pair of the lowest rank, and of several of them the leftmost.</summary>
internal static class Merger
{
    /// <summary>From here on a heap beats looking through all pairs for each merge.</summary>
    private const int Long = 48;

    /// <summary>Merges and returns how many symbols are left at the front.</summary>
    public static int Merge(Span<int> symbols, MergeTable merges) =>
        symbols.Length < Long ? MergeShort(symbols, merges) : MergeLong(symbols, merges);

    private static int MergeShort(Span<int> symbols, MergeTable merges)
    {
        Span<int> ranks = stackalloc int[Long];
        var count = symbols.Length;
        for (var i = 0; i + 1 < count; i++)
        {
            ranks[i] = merges.RankOf(symbols[i], symbols[i + 1]);
        }

        while (count > 1)
        {
            int best = MergeTable.Never,
                at = -1;
            for (var i = 0; i < count - 1; i++)
            {
                if (ranks[i] < best)
                {
                    (best, at) = (ranks[i], i);
                }
            }

            if (at < 0)
            {
                break;
            }

            symbols[at] = merges.MergedOf(symbols[at], symbols[at + 1]);
            symbols[(at + 2)..count].CopyTo(symbols[(at + 1)..]);
            ranks[(at + 1)..(count - 1)].CopyTo(ranks[at..]);
            count--;
            if (at > 0)
            {
                ranks[at - 1] = merges.RankOf(symbols[at - 1], symbols[at]);
            }

            if (at + 1 < count)
            {
                ranks[at] = merges.RankOf(symbols[at], symbols[at + 1]);
            }
        }

        return count;
    }

    private static int MergeLong(Span<int> symbols, MergeTable merges)
    {
        var count = symbols.Length;
        var next = new int[count];
        var previous = new int[count];
        var queue = new PriorityQueue<(int At, int Rank), long>(count);
        for (var i = 0; i < count; i++)
        {
            next[i] = i + 1 < count ? i + 1 : -1;
            previous[i] = i - 1;
        }

        for (var i = 0; i + 1 < count; i++)
        {
            Push(queue, merges, symbols, next, i);
        }

        while (queue.TryDequeue(out var pair, out _))
        {
            var right = symbols[pair.At] < 0 ? -1 : next[pair.At];
            // Either side may have gone into another merge since this pair was seen.
            if (right < 0 || merges.RankOf(symbols[pair.At], symbols[right]) != pair.Rank)
            {
                continue;
            }

            symbols[pair.At] = merges.MergedOf(symbols[pair.At], symbols[right]);
            symbols[right] = -1;
            next[pair.At] = next[right];
            if (next[right] >= 0)
            {
                previous[next[right]] = pair.At;
                Push(queue, merges, symbols, next, pair.At);
            }

            if (previous[pair.At] >= 0)
            {
                Push(queue, merges, symbols, next, previous[pair.At]);
            }
        }

        var left = 0;
        for (var i = 0; i >= 0; i = next[i])
        {
            symbols[left++] = symbols[i];
        }

        return left;
    }

    private static void Push(PriorityQueue<(int At, int Rank), long> queue, MergeTable merges, Span<int> symbols, int[] next, int at)
    {
        var rank = merges.RankOf(symbols[at], symbols[next[at]]);
        if (rank != MergeTable.Never)
        {
            queue.Enqueue((at, rank), ((long)rank << 32) | (uint)at);
        }
    }
}
