namespace AgentLightning.Rewards;

/// <summary>Which rewards to list. All parts are optional and hold together.</summary>
/// <param name="Limit">1…1,000.</param>
/// <param name="Before">Where the page before ended (<see cref="Common.ListPage{T}.Next"/>), or the id of a reward: only older ones follow.
/// Stable while new rewards arrive.</param>
/// <param name="Agents">Only rewards of these agents exist for the query; null for all.</param>
public sealed record RewardQuery(
    string? AgentId = null,
    string? EpisodeId = null,
    RewardSource? Source = null,
    int Limit = 50,
    string? Before = null,
    IReadOnlyList<string>? Agents = null
);

/// <summary>Keeps rewards and their history. A call that returned is on disk.</summary>
public interface IRewardStore
{
    /// <summary>
    /// Stores rewards in one transaction. Each supersedes the current reward of the same episode, source and evaluator, which stays as
    /// history; a judgement (<see cref="RewardSources.IsJudgement"/>) supersedes the implicit ones of the episode too, and an implicit one
    /// that comes after it is history at once. An id that is already there is left as it was. A reward for an unknown episode is an error,
    /// and then none is stored. Tells for each whether it was new.
    /// </summary>
    Task<IReadOnlyList<bool>> AddEachAsync(IReadOnlyList<Reward> rewards, CancellationToken cancellationToken);

    /// <summary>The same, and returns how many were new.</summary>
    async Task<int> AddAsync(IReadOnlyList<Reward> rewards, CancellationToken cancellationToken) =>
        (await AddEachAsync(rewards, cancellationToken).ConfigureAwait(false)).Count(isNew => isNew);

    /// <summary>The reward, current or not, or null.</summary>
    Task<Reward?> FindAsync(string id, CancellationToken cancellationToken);

    /// <summary>Those of these rewards that are there, current or not, in any order.</summary>
    Task<IReadOnlyList<Reward>> FindEachAsync(IReadOnlyList<string> ids, CancellationToken cancellationToken);

    /// <summary>Every reward an episode ever got, newest first.</summary>
    Task<IReadOnlyList<Reward>> HistoryAsync(string episodeId, CancellationToken cancellationToken);

    /// <summary>
    /// Rewards with their history, newest first. A <see cref="RewardQuery.Before"/> that is the id of no reward is an error.
    /// </summary>
    Task<IReadOnlyList<Reward>> ListAsync(RewardQuery query, CancellationToken cancellationToken);

    /// <summary>The least and the greatest current reward; null when there is none.</summary>
    Task<RewardRange?> FindRangeAsync(string? agentId, CancellationToken cancellationToken);

    /// <summary>
    /// Number, mean and variance of the current rewards, computed by the database; of all agents when <paramref name="agentId"/> is null.
    /// </summary>
    Task<RewardSummary> SummariseAsync(string? agentId, CancellationToken cancellationToken);

    /// <summary>The same over the newest <paramref name="window"/> current rewards of what one release answered.</summary>
    Task<RewardSummary> SummariseDeploymentAsync(string deploymentId, int window, CancellationToken cancellationToken);
}
