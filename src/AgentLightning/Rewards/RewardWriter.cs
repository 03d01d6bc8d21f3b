using AgentLightning.Common;

namespace AgentLightning.Rewards;

/// <summary>Stores rewards that come one by one, those that come at the same time in one group.</summary>
/// <remarks>Any thread may call.</remarks>
public sealed class RewardWriter : IAsyncDisposable
{
    private readonly GroupQueue<Reward, bool> _rewards;

    public RewardWriter(IRewardStore rewards, TimeProvider time) => _rewards = new(new Storing(rewards), new GroupQueueOptions(), time);

    /// <summary>
    /// Completes when the reward is on disk: true when it was new. Errors are those of <see cref="IRewardStore.AddEachAsync"/>, for this
    /// reward alone.
    /// </summary>
    public Task<bool> AddAsync(Reward reward, CancellationToken cancellationToken) => _rewards.DoAsync(reward, cancellationToken);

    public ValueTask DisposeAsync() => _rewards.DisposeAsync();

    private sealed class Storing(IRewardStore rewards) : IGroupWork<Reward, bool>
    {
        public async Task RunAsync(ItemGroup<Reward, bool> group) =>
            group.Complete(await rewards.AddEachAsync(group.Items, CancellationToken.None).ConfigureAwait(false));
    }
}
