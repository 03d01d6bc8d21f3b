using AgentLightning.Common;
using AgentLightning.Episodes;

namespace AgentLightning.Rewards;

/// <summary>Stores rewards that come one by one, those that come at the same time in one group.</summary>
/// <remarks>Any thread may call.</remarks>
public sealed class RewardWriter : IAsyncDisposable
{
    private readonly GroupQueue<string, EpisodeOrigin?> _origins;
    private readonly GroupQueue<Reward, bool> _rewards;

    public RewardWriter(IEpisodeStore episodes, IRewardStore rewards)
    {
        _origins = new(async ids =>
        {
            var found = (await episodes.OriginsAsync([.. ids.Distinct()], CancellationToken.None).ConfigureAwait(false)).ToDictionary(
                origin => origin.EpisodeId
            );
            return [.. ids.Select(id => found.GetValueOrDefault(id))];
        });
        _rewards = new(group => rewards.AddEachAsync(group, CancellationToken.None));
    }

    /// <summary>Whose the episode is, or null where there is none.</summary>
    public Task<EpisodeOrigin?> OriginAsync(string episodeId, CancellationToken cancellationToken) =>
        _origins.AddAsync(episodeId, cancellationToken);

    /// <summary>
    /// Completes when the reward is on disk: true when it was new. Errors are those of <see cref="IRewardStore.AddEachAsync"/>, for this
    /// reward alone.
    /// </summary>
    public Task<bool> AddAsync(Reward reward, CancellationToken cancellationToken) => _rewards.AddAsync(reward, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _origins.DisposeAsync().ConfigureAwait(false);
        await _rewards.DisposeAsync().ConfigureAwait(false);
    }
}
