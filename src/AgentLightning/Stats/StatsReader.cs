using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Deployments;
using AgentLightning.Episodes;
using AgentLightning.Rewards;
using AgentLightning.Training;

namespace AgentLightning.Stats;

/// <summary>Counts what an agent has.</summary>
public sealed class StatsReader(
    IEpisodeStore episodes,
    IRewardStore rewards,
    IDatasetStore datasets,
    ITrainingRunStore runs,
    IDeploymentStore deployments
)
{
    /// <param name="baseModel">Who answers when there is no release.</param>
    public async Task<AgentStats> ReadAsync(string agentId, string baseModel, CancellationToken cancellationToken)
    {
        var given = await rewards.SummariseAsync(agentId, cancellationToken).ConfigureAwait(false);
        var byStatus = await runs.CountByStatusAsync(agentId, cancellationToken).ConfigureAwait(false);
        var active = await deployments.FindActiveAsync(agentId, Deployment.DefaultSlot, cancellationToken).ConfigureAwait(false);
        return new AgentStats(
            agentId,
            true,
            true,
            new AgentStatistics(
                await episodes.CountAsync(agentId, cancellationToken).ConfigureAwait(false),
                given.Count,
                Math.Round(given.Mean, 3),
                await datasets.CountAsync(agentId, cancellationToken).ConfigureAwait(false),
                byStatus.Values.Sum(),
                byStatus.ToDictionary(pair => EnumText.Of(pair.Key), pair => pair.Value),
                await deployments.CountAsync(agentId, cancellationToken).ConfigureAwait(false)
            ),
            active is null ? null : new ActiveModel(true, active.TunedModelName, active.PromotedAt),
            active?.TunedModelName ?? baseModel,
            baseModel
        );
    }
}
