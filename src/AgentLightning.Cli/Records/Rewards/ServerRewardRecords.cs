using AgentLightning.Common;
using AgentLightning.Rewards;
using AgentLightning.Server.Rewards;

namespace AgentLightning.Cli.Records.Rewards;

internal sealed class ServerRewardRecords(ServerConnection server) : IRewardRecords
{
    public async Task<RewardResponse> AssignAsync(RewardInput reward, CancellationToken cancellationToken)
    {
        if (reward.Reward is { } value)
        {
            // JSON knows no NaN.
            Reward.CheckValue(value);
        }

        return await server.PostAsync<RewardInput, RewardResponse>("rewards", reward, cancellationToken);
    }

    public Task<RewardListResponse> ListAsync(RewardQuery query, CancellationToken cancellationToken)
    {
        var parts = ServerQuery.Of(
            ("agent_id", query.AgentId),
            ("episode_id", query.EpisodeId),
            ("source", query.Source is { } source ? EnumText.Of(source) : null),
            ("before", query.Before)
        );
        return server.GetAsync<RewardListResponse>($"rewards?{parts}&limit={query.Limit}", cancellationToken);
    }
}
