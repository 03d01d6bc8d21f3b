using AgentLightning.Access;
using AgentLightning.Common;

namespace AgentLightning.Rewards;

/// <summary>Lists rewards with their history.</summary>
public sealed class ListRewards(IRewardStore rewards) : IOperation
{
    /// <summary>
    /// Newest first; role read. An agent that the scope is not for is <see cref="ErrorKind.Forbidden"/>; what is of the others does not
    /// exist. <see cref="RewardQuery.Agents"/> is set by the scope.
    /// </summary>
    public async Task<ListPage<Reward>> ListAsync(Scope scope, RewardQuery query, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        var found = await rewards
            .ListAsync(query with { AgentId = scope.Named(query.AgentId), Agents = scope.Agents }, cancellationToken)
            .ConfigureAwait(false);
        return ListPage.Of(found, query.Limit, reward => PageCursor.After(reward.CreatedAt, reward.Id));
    }
}
