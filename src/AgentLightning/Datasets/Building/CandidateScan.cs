using System.Globalization;
using System.Text.Json;

namespace AgentLightning.Datasets.Building;

/// <summary>
/// Takes the rewards of episodes in as they come, and decides of each episode whether it may become part of the data set.
/// </summary>
internal sealed class CandidateScan(DatasetRequest request, CandidateList candidates, Exclusions excluded)
{
    private readonly HashSet<string>? _models = request.Models?.ToHashSet(StringComparer.Ordinal);
    private readonly HashSet<string>? _releases = request.Releases?.ToHashSet(StringComparer.Ordinal);
    private readonly HashSet<string>? _tags = request.Tags?.ToHashSet(StringComparer.Ordinal);
    private readonly bool _bySession = request.Kind != DatasetKind.Classification;
    private RewardedFact _last;
    private bool _has;
    private double _quality;
    private double _penalties;
    private int _judged;
    private int _rewards;
    private bool _corrected;
    private string? _lastGroup;
    private byte _group;
    private bool _heldOut;

    /// <summary>Episodes that were seen.</summary>
    public long Seen { get; private set; }

    /// <summary>The sides of few groups.</summary>
    public HeldOutChoice HeldOut { get; } = new(request);

    public void Take(RewardedFact fact)
    {
        if (!_has || fact.Id != _last.Id)
        {
            End();
            (_last, _has, _quality, _penalties, _judged, _rewards, _corrected) = (fact, true, 0, 0, 0, 0, false);
        }

        if (fact.Value is { } value)
        {
            _rewards++;
            _corrected |= fact.IsCorrected;
            if (fact.IsPenalty)
            {
                _penalties += value;
            }
            else
            {
                _quality += value;
                _judged++;
            }
        }
    }

    /// <summary>The last episode is whole.</summary>
    public void End()
    {
        if (!_has)
        {
            return;
        }

        (_has, Seen) = (false, Seen + 1);
        var reward =
            request.Aggregation == RewardAggregation.Mean
                ? (_quality + _penalties) / Math.Max(_rewards, 1)
                : (_judged == 0 ? 0 : _quality / _judged) + _penalties;
        reward = Math.Clamp(reward, -1, 1);
        if (Reason(reward) is { } reason)
        {
            excluded.Add(reason);
            return;
        }

        var key = _bySession ? _last.Session ?? _last.InputKey : _last.InputKey;
        if (!ReferenceEquals(key, _lastGroup) && key != _lastGroup)
        {
            _lastGroup = key;
            _heldOut = HeldOut.IsHeldOut(key, out _group);
        }

        var marks = (_heldOut ? CandidateMarks.HeldOut : 0) | (_corrected ? CandidateMarks.Corrected : 0);
        candidates.Add(_last.Id, _group, InputOf(_last.InputKey), reward, marks);
        if (request is { Kind: DatasetKind.Chat, MaxExamples: { } most } && candidates.Count >= Math.Max(2 * most, 4_096))
        {
            excluded.Add(ExclusionReason.BeyondMaxExamples, candidates.KeepBest(most));
        }
    }

    private ExclusionReason? Reason(double reward) =>
        _last.Facts.HasFlag(EpisodeFacts.Internal) ? ExclusionReason.Internal
        : _last.Facts.HasFlag(EpisodeFacts.NotSucceeded) ? ExclusionReason.NotSucceeded
        : _models?.Contains(_last.Model ?? "") == false ? ExclusionReason.OtherModel
        : _releases?.Contains(_last.Release ?? "") == false ? ExclusionReason.OtherRelease
        : _tags is not null && !HasTag() ? ExclusionReason.OtherTags
        : _rewards == 0 ? ExclusionReason.NoReward
        : reward < request.MinReward && !(_corrected && request.Kind == DatasetKind.Chat) ? ExclusionReason.BelowMinReward
        : _last.Facts.HasFlag(EpisodeFacts.PayloadRemoved) ? ExclusionReason.PayloadRemoved
        : request.Kind == DatasetKind.Classification && _last.Facts.HasFlag(EpisodeFacts.NoAction) ? ExclusionReason.NoAction
        : null;

    private bool HasTag() =>
        _last.Tags is { } tags && JsonSerializer.Deserialize<string[]>(tags) is { } list && list.Any(tag => _tags!.Contains(tag));

    /// <summary>The first half of a key of ours, which is 32 hexadecimal digits; of another key its hash.</summary>
    private static ulong InputOf(string key) =>
        key.Length == 32 && ulong.TryParse(key.AsSpan(0, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var half)
            ? half
            : StableHash.Of(key);
}
