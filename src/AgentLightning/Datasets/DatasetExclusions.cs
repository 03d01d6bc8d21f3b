using System.Globalization;
using AgentLightning.Common;

namespace AgentLightning.Datasets;

/// <summary>Why an episode is not in a data set: the first reason that holds, in this order.</summary>
public enum ExclusionReason
{
    /// <summary>It is not of the period that was asked for.</summary>
    OutsideDates,

    /// <summary>It is work of our own, for example a call of one of our tools.</summary>
    Internal,

    /// <summary>The work failed or was cancelled.</summary>
    NotSucceeded,

    OtherModel,

    OtherRelease,

    OtherTags,

    /// <summary>It has no reward, or none of the sources that were asked for.</summary>
    NoReward,

    BelowMinReward,

    /// <summary>Retention has removed its texts.</summary>
    PayloadRemoved,

    /// <summary>It made no choice among named answers, which a classifier learns from.</summary>
    NoAction,

    /// <summary>There is no other answer to the same input with another reward, and no correction.</summary>
    NoPair,

    /// <summary>More rewarded ones fill the data set.</summary>
    BeyondMaxExamples,

    /// <summary>It was deleted while the data set was built.</summary>
    Deleted,

    /// <summary>Nothing was answered.</summary>
    NoAnswer,

    /// <summary>The same conversation and answer is in the data set already.</summary>
    Duplicate,

    /// <summary>It would be learned from, and says nearly the same as what is held out.</summary>
    NearDuplicate,
}

/// <summary>How many episodes are left out for a reason.</summary>
public sealed record DatasetExclusion(ExclusionReason Reason, long Count);

/// <summary>Counts what is left out.</summary>
internal sealed class Exclusions
{
    private readonly long[] _counts = new long[Enum.GetValues<ExclusionReason>().Length];

    public void Add(ExclusionReason reason, long count = 1) => _counts[(int)reason] += count;

    public void Add(Exclusions others)
    {
        for (var i = 0; i < _counts.Length; i++)
        {
            _counts[i] += others._counts[i];
        }
    }

    public IReadOnlyList<DatasetExclusion> List() =>
        [
            .. Enum.GetValues<ExclusionReason>()
                .Where(reason => _counts[(int)reason] > 0)
                .Select(reason => new DatasetExclusion(reason, _counts[(int)reason])),
        ];

    /// <summary>For people: <c>3 no_reward, 1 below_min_reward</c>.</summary>
    public static string Describe(IEnumerable<DatasetExclusion> exclusions) =>
        string.Join(
            ", ",
            exclusions.Select(exclusion =>
                string.Create(CultureInfo.InvariantCulture, $"{exclusion.Count} {EnumText.Of(exclusion.Reason)}")
            )
        );
}
