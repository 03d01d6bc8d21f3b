using AgentLightning.Rewards;
using AgentLightning.Server.Rewards;

namespace AgentLightning.Cli.Records.Rewards;

/// <summary>What episodes were worth.</summary>
internal interface IRewardRecords
{
    Task<RewardResponse> AssignAsync(RewardInput reward, CancellationToken cancellationToken);

    Task<RewardListResponse> ListAsync(RewardQuery query, CancellationToken cancellationToken);
}
