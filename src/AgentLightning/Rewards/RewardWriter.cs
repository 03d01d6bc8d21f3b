using AgentLightning.Common;

namespace AgentLightning.Rewards;

/// <summary>Stores rewards that come one by one, those that come at the same time in one group.</summary>
/// <remarks>Any thread may call.</remarks>
public sealed class RewardWriter : IAsyncDisposable
{
    private readonly GroupQueue<Reward, bool> _rewards;

    public RewardWriter(IRewardStore rewards) => _rewards = new(group => rewards.AddEachAsync(group, CancellationToken.None));

    /// <summary>
    /// Completes when the reward is on disk: true when it was new. Errors are those of <see cref="IRewardStore.AddEachAsync"/>, for this
    /// reward alone.
    /// </summary>
    public Task<bool> AddAsync(Reward reward, CancellationToken cancellationToken) => _rewards.AddAsync(reward, cancellationToken);

    public ValueTask DisposeAsync() => _rewards.DisposeAsync();
}
