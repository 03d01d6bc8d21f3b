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

/// <summary>An episode that may become part of a data set, in 24 bytes and its id.</summary>
/// <param name="Input">The input's key, so that keys of ours keep their order.</param>
/// <param name="Length">Of the id in bytes; 0 for a UUID, which takes 16.</param>
/// <param name="Group">Which of few groups it is of: what is kept on one side.</param>
internal record struct EpisodeCandidate(ulong Input, double Reward, int Address, ushort Length, CandidateMarks Marks, byte Group);

/// <summary>
/// The episodes that may become part of a data set, in the order in which they were found: no texts, so that a million of them take some 40
/// MB.
/// </summary>
internal sealed class CandidateList
{
    private const int Together = 1 << 14;
    private const int BytesTogether = 1 << 20;
    private const int UuidBytes = 16;
    private List<EpisodeCandidate[]> _blocks = [];
    private List<byte[]> _ids = [];
    private int _used = BytesTogether;

    public int Count { get; private set; }

    public ref EpisodeCandidate this[int index] => ref _blocks[index / Together][index % Together];

    public void Add(string id, byte group, ulong input, double reward, CandidateMarks marks)
    {
        Span<byte> bytes = stackalloc byte[Math.Max(id.Length * 3, UuidBytes)];
        // As it is written most often, and comes back the same.
        var isUuid = Guid.TryParseExact(id, "D", out var uuid) && uuid.TryWriteBytes(bytes) && uuid.ToString() == id;
        var length = isUuid ? UuidBytes : Encoding.UTF8.GetBytes(id, bytes);
        Add(bytes[..length], new EpisodeCandidate(input, reward, 0, (ushort)(isUuid ? 0 : length), marks, group));
    }

    public string Id(int index)
    {
        var bytes = IdBytes(index);
        return this[index].Length == 0 ? new Guid(bytes).ToString() : Encoding.UTF8.GetString(bytes);
    }

    private ReadOnlySpan<byte> IdBytes(int index)
    {
        var candidate = this[index];
        var length = candidate.Length == 0 ? UuidBytes : candidate.Length;
        return _ids[candidate.Address / BytesTogether].AsSpan(candidate.Address % BytesTogether, length);
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
                kept.Add(IdBytes(i), candidate);
            }
        }

        var gone = Count - kept.Count;
        (_blocks, _ids, _used, Count) = (kept._blocks, kept._ids, kept._used, kept.Count);
        return gone;
    }

    private void Add(ReadOnlySpan<byte> id, EpisodeCandidate candidate)
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
        this[Count - 1] = candidate with { Address = ((_ids.Count - 1) * BytesTogether) + _used };
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
