using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;

namespace AgentLightning.Rewards;

/// <summary>Lists rewards with their history.</summary>
public sealed class ListRewards(IRewardStore rewards, EpisodeLookup lookup) : IOperation
{
    /// <summary>
    /// Newest first; role read. An agent that the scope is not for is <see cref="ErrorKind.Forbidden"/>; what is of the others does not
    /// exist. <see cref="RewardQuery.Agents"/> is set by the scope.
    /// </summary>
    public async Task<ListPage<Reward>> ListAsync(Scope scope, RewardQuery query, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        var episode = await StoredIdAsync(scope, query.EpisodeId, cancellationToken).ConfigureAwait(false);
        var found = await rewards
            .ListAsync(query with { AgentId = scope.Named(query.AgentId), EpisodeId = episode, Agents = scope.Agents }, cancellationToken)
            .ConfigureAwait(false);
        // A page ends where the reward lies in the store.
        var page = ListPage.Of(found, query.Limit, reward => PageCursor.After(reward.CreatedAt, reward.Id));
        return page with { Items = Shown(scope, page.Items) };
    }

    /// <summary>
    /// Every reward that an episode ever got, newest first; role read. An unknown episode, and one of an agent that the scope is not for,
    /// is <see cref="ErrorKind.NotFound"/>.
    /// </summary>
    public async Task<IReadOnlyList<Reward>> OfEpisodeAsync(Scope scope, string episodeId, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        var episode = await lookup.FindAsync(scope, Ids.Check(episodeId, "episode_id"), cancellationToken).ConfigureAwait(false)
            ?? throw EpisodeLookup.Unknown(episodeId);
        return Shown(scope, await rewards.HistoryAsync(episode.EpisodeId, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>One that there is not is asked for all the same: of it there is nothing.</summary>
    private async Task<string?> StoredIdAsync(Scope scope, string? episodeId, CancellationToken cancellationToken) =>
        episodeId is null || scope.Agents is null
            ? episodeId
            : (await lookup.FindAsync(scope, episodeId, cancellationToken).ConfigureAwait(false))?.EpisodeId ?? episodeId;

    /// <summary>A reward with its ids as the scope knows them.</summary>
    internal static Reward Shown(Scope scope, Reward reward) =>
        reward with
        {
            Id = EpisodeIds.Given(scope, reward.Id, reward.AgentId),
            EpisodeId = EpisodeIds.Shown(scope, reward.EpisodeId, reward.AgentId),
        };

    private static List<Reward> Shown(Scope scope, IReadOnlyList<Reward> rewards) => [.. rewards.Select(reward => Shown(scope, reward))];
}
