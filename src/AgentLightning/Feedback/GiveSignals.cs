using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Rewards;

namespace AgentLightning.Feedback;

/// <summary>Rewards an episode by how its answer looks and how the conversation went on.</summary>
public sealed class GiveSignals(EpisodeLookup lookup, AssignReward rewards) : IOperation
{
    /// <summary>
    /// Gives an episode the reward of its signals, source <see cref="RewardSource.ImplicitSignals"/>; role write. It counts as long as
    /// nobody judged the episode; later signals supersede earlier ones. An unknown episode, and one of an agent that the scope is not for,
    /// is <see cref="ErrorKind.NotFound"/>.
    /// </summary>
    public async Task<AssignedReward> GiveAsync(
        Scope scope,
        string? episodeId,
        ConversationSignals signals,
        CancellationToken cancellationToken
    )
    {
        scope.Require(Role.Write);
        var episode = await lookup.ReadAsync(scope, Ids.Check(episodeId, "episode_id"), cancellationToken).ConfigureAwait(false);
        var score = RewardCalculator.Implicit(ResponseSignals.Of(episode), signals);
        return await rewards
            .AssignAsync(
                scope,
                new RewardRequest(episode.Id, score, RewardSource.ImplicitSignals, Scale: RewardScale.Unit),
                cancellationToken
            )
            .ConfigureAwait(false);
    }
}
