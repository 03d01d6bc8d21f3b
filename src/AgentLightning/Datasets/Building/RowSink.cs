using System.Buffers;

namespace AgentLightning.Datasets.Building;

/// <summary>An episode on its way into a row.</summary>
internal readonly record struct UnitMember(int Index, EpisodeContent Content, double Reward, bool Corrected);

/// <summary>
/// Decides which rows are taken, and holds what is to be written. Held-out inputs come first, in a pass that writes nothing; then what
/// would be learned from is compared with them.
/// </summary>
/// <param name="most">Rows that may come.</param>
internal sealed class RowSink(NearInputs heldOut, MemberKeys? members, int most)
{
    private SeenHashes? _seen = new(most);

    /// <summary>True in the pass that only gets to know what is held out.</summary>
    public bool Collects => members is null;

    public ArrayBufferWriter<byte> Buffer { get; } = new(256 * 1024);

    public Exclusions Excluded { get; } = new();

    public int Training { get; private set; }

    public int Validation { get; private set; }

    public long Episodes { get; private set; }

    /// <summary>Called for each episode of a row that is written.</summary>
    public Action<int>? Used { get; init; }

    /// <summary>Whether the row is taken and is to be written; otherwise its episodes are counted.</summary>
    /// <param name="hash">Of all that the row says.</param>
    /// <param name="episodes">How many it is made of.</param>
    public bool Takes(DatasetSide side, ReadOnlySpan<byte> signature, ulong hash, int episodes)
    {
        if (!_seen!.Add(hash))
        {
            Excluded.Add(ExclusionReason.Duplicate, episodes);
            return false;
        }

        if (Collects)
        {
            heldOut.Add(signature);
            return false;
        }

        if (side == DatasetSide.Train && !heldOut.IsEmpty && heldOut.Contains(signature))
        {
            Excluded.Add(ExclusionReason.NearDuplicate, episodes);
            return false;
        }

        return true;
    }

    /// <summary>No row comes any more: what was kept to compare them is not needed.</summary>
    public void Close() => _seen = null;

    /// <summary>A row is in <see cref="Buffer"/>.</summary>
    public void Wrote(DatasetSide side, ReadOnlySpan<UnitMember> made)
    {
        (Training, Validation) = side == DatasetSide.Train ? (Training + 1, Validation) : (Training, Validation + 1);
        Episodes += made.Length;
        foreach (var member in made)
        {
            members!.Add(member.Content);
            Used?.Invoke(member.Index);
        }
    }
}
