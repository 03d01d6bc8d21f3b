using AgentLightning.Common;
using AgentLightning.Episodes;

namespace AgentLightning.Rewards;

/// <summary>Is told of rewards after they are on disk, with the release that had answered.</summary>
public interface IRewardObserver
{
    Task RewardedAsync(EpisodeOrigin episode, Reward reward, CancellationToken cancellationToken);
}

/// <summary>What is asked for when a reward is given.</summary>
/// <param name="Value">−1…1, or on <paramref name="Scale"/> where that is given: then it is normalised, and kept as it was given beside
/// it.</param>
/// <param name="Correction">The right answer, if the reviewer knows it.</param>
/// <param name="RewardId">A client's own id makes a repeated request one reward.</param>
/// <param name="CreatedAt">When it was given; now when absent or later than now.</param>
public sealed record RewardRequest(
    string EpisodeId,
    double Value,
    RewardSource Source = RewardSource.HumanApproval,
    string? Correction = null,
    string? Rubric = null,
    string? Evaluator = null,
    string? Comments = null,
    string? RewardId = null,
    DateTimeOffset? CreatedAt = null,
    RewardScale? Scale = null
)
{
    /// <summary>On the canonical scale; a value out of range or not a number is <see cref="ErrorKind.Invalid"/>.</summary>
    internal double CanonicalValue => Scale is null ? Reward.CheckValue(Value) : Scale.ToCanonical(Value);
}

/// <summary>A reward that is stored.</summary>
/// <param name="IsNew">False when the same reward was there already.</param>
public sealed record AssignedReward(Reward Reward, bool IsNew);
