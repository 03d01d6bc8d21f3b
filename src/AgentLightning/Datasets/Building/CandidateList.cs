using System.Text;

namespace AgentLightning.Datasets.Building;

[Flags]
internal enum CandidateMarks : byte
{
    None = 0,
    HeldOut = 1,
    Corrected = 2,

    /// <summary>It is in a row of the data set.</summary>
    Used = 4,
}

/// <summary>An episode that may become part of a data set, in 32 bytes and its id.</summary>
/// <param name="Group">What is kept on one side.</param>
/// <param name="Input">The input's key, so that keys of ours keep their order.</param>
internal record struct EpisodeCandidate(ulong Group, ulong Input, double Reward, int Address, ushort Length, CandidateMarks Marks);

/// <summary>
/// The episodes that may become part of a data set, in the order in which they were found: no texts, so that a million of them take some 70
/// MB.
/// </summary>
internal sealed class CandidateList
{
    private const int Together = 1 << 14;
    private const int BytesTogether = 1 << 20;
    private List<EpisodeCandidate[]> _blocks = [];
    private List<byte[]> _ids = [];
    private int _used = BytesTogether;

    public int Count { get; private set; }

    public ref EpisodeCandidate this[int index] => ref _blocks[index / Together][index % Together];

    public void Add(string id, ulong group, ulong input, double reward, CandidateMarks marks)
    {
        Span<byte> bytes = stackalloc byte[id.Length * 3];
        Add(bytes[..Encoding.UTF8.GetBytes(id, bytes)], group, input, reward, marks);
    }

    public string Id(int index) => Encoding.UTF8.GetString(IdBytes(index));

    public ReadOnlySpan<byte> IdBytes(int index)
    {
        var candidate = this[index];
        return _ids[candidate.Address / BytesTogether].AsSpan(candidate.Address % BytesTogether, candidate.Length);
    }

    /// <summary>Keeps the most rewarded; of equals those that were found first. Gives how many went.</summary>
    public int KeepBest(int most)
    {
        if (Count <= most)
        {
            return 0;
        }

        var rewards = new double[Count];
        for (var i = 0; i < Count; i++)
        {
            rewards[i] = this[i].Reward;
        }

        Array.Sort(rewards);
        var least = rewards[^most];
        // Of those that have the least reward of all that stay there may be more than there is room for.
        var equals = most - (rewards.Length - UpperBound(rewards, least));
        var kept = new CandidateList();
        for (var i = 0; i < Count; i++)
        {
            var candidate = this[i];
            if (candidate.Reward > least || (candidate.Reward == least && equals-- > 0))
            {
                kept.Add(IdBytes(i), candidate.Group, candidate.Input, candidate.Reward, candidate.Marks);
            }
        }

        var gone = Count - kept.Count;
        (_blocks, _ids, _used, Count) = (kept._blocks, kept._ids, kept._used, kept.Count);
        return gone;
    }

    private void Add(ReadOnlySpan<byte> id, ulong group, ulong input, double reward, CandidateMarks marks)
    {
        if (Count % Together == 0)
        {
            _blocks.Add(new EpisodeCandidate[Together]);
        }

        if (_used + id.Length > BytesTogether)
        {
            _ids.Add(new byte[BytesTogether]);
            _used = 0;
        }

        id.CopyTo(_ids[^1].AsSpan(_used));
        Count++;
        this[Count - 1] = new EpisodeCandidate(group, input, reward, ((_ids.Count - 1) * BytesTogether) + _used, (ushort)id.Length, marks);
        _used += id.Length;
    }

    private static int UpperBound(double[] sorted, double value)
    {
        var (low, high) = (0, sorted.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = sorted[middle] <= value ? (middle + 1, high) : (low, middle);
        }

        return low;
    }
}
