using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Deployments;
using AgentLightning.Episodes;
using AgentLightning.Rewards;
using AgentLightning.Training;
using AgentLightning.Triage;

namespace AgentLightning.Monitoring;

/// <summary>Counts what an agent has.</summary>
public sealed class GetStats(
    IEpisodeStore episodes,
    IRewardStore rewards,
    IDatasetStore datasets,
    ITrainingRunStore runs,
    IDeploymentStore deployments,
    AgentDirectory agents
) : IOperation
{
    /// <summary>
    /// The figures of one agent, the default agent where none is named; role read. An agent of which there is nothing at all is
    /// <see cref="ErrorKind.NotFound"/>, with names that are near.
    /// </summary>
    public async Task<AgentStats> ReadAsync(Scope scope, string? agentId, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        var agent = scope.Agent(agentId, TriageAgent.DefaultAgentId);
        var given = await rewards.SummariseAsync(agent, cancellationToken).ConfigureAwait(false);
        var byStatus = await runs.CountByStatusAsync(agent, cancellationToken).ConfigureAwait(false);
        var active = await deployments.FindActiveAsync(agent, Deployment.DefaultSlot, cancellationToken).ConfigureAwait(false);
        var counts = new AgentStatistics(
            await episodes.CountAsync(agent, cancellationToken).ConfigureAwait(false),
            given.Count,
            Math.Round(given.Mean, 3),
            await datasets.CountAsync(agent, cancellationToken).ConfigureAwait(false),
            byStatus.Values.Sum(),
            byStatus.ToDictionary(pair => EnumText.Of(pair.Key), pair => pair.Value),
            await deployments.CountAsync(agent, cancellationToken).ConfigureAwait(false)
        );
        if (
            counts is { TotalEpisodes: 0, TotalDatasets: 0, TotalTrainingRuns: 0, TotalDeployments: 0 }
            && agent != TriageAgent.DefaultAgentId
        )
        {
            await agents.CheckAsync(scope, agent, cancellationToken).ConfigureAwait(false);
        }

        var baseModel = await BaseModelAsync(agent, cancellationToken).ConfigureAwait(false);
        return new AgentStats(
            agent,
            true,
            true,
            counts,
            active is null ? null : new ActiveModel(true, active.TunedModelName, active.PromotedAt),
            active?.TunedModelName ?? baseModel,
            baseModel
        );
    }

    /// <summary>What answered last without a release; of the default agent we know it before the first episode.</summary>
    private async Task<string?> BaseModelAsync(string agent, CancellationToken cancellationToken) =>
        await episodes.FindBaseModelAsync(agent, cancellationToken).ConfigureAwait(false)
        ?? (agent == TriageAgent.DefaultAgentId ? RuleTriagePolicy.PolicyName : null);
}
