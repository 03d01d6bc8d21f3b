namespace AgentLightning.Rewards;

/// <summary>Keeps rewards and their history. A call that returned is on disk.</summary>
public interface IRewardStore
{
    /// <summary>
    /// Stores rewards in one transaction. Each supersedes the current reward of the same episode, source and evaluator, which stays as history.
    /// An id that is already there is left as it was. A reward for an unknown episode is an error, and then none is stored.
    /// Returns how many were new.
    /// </summary>
    Task<int> AddAsync(IReadOnlyList<Reward> rewards, CancellationToken cancellationToken);

    /// <summary>The reward, current or not, or null.</summary>
    Task<Reward?> FindAsync(string id, CancellationToken cancellationToken);

    /// <summary>Every reward an episode ever got, newest first.</summary>
    Task<IReadOnlyList<Reward>> HistoryAsync(string episodeId, CancellationToken cancellationToken);

    /// <summary>Number, mean and variance of the current rewards, computed by the database; of all agents when <paramref name="agentId"/> is null.</summary>
    Task<RewardSummary> SummariseAsync(string? agentId, CancellationToken cancellationToken);

    /// <summary>The same over the newest <paramref name="window"/> current rewards of what one release answered.</summary>
    Task<RewardSummary> SummariseDeploymentAsync(string deploymentId, int window, CancellationToken cancellationToken);
}
