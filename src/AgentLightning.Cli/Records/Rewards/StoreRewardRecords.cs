using AgentLightning.Access;
using AgentLightning.Cli.Commands;
using AgentLightning.Rewards;
using AgentLightning.Server.Rewards;

namespace AgentLightning.Cli.Records.Rewards;

internal sealed class StoreRewardRecords(Workspace workspace, Scope scope) : IRewardRecords
{
    public async Task<RewardResponse> AssignAsync(RewardInput reward, CancellationToken cancellationToken) =>
        RewardResponse.Of((await workspace.Get<AssignReward>().AssignAsync(scope, reward.ToRequest(), cancellationToken)).Reward);

    public async Task<RewardListResponse> ListAsync(RewardQuery query, CancellationToken cancellationToken) =>
        RewardListResponse.Of(
            query.AgentId,
            query.EpisodeId,
            await workspace.Get<ListRewards>().ListAsync(scope, query, cancellationToken)
        );
}
