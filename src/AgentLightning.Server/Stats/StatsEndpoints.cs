using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Datasets;
using AgentLightning.Episodes;
using AgentLightning.Rewards;
using AgentLightning.Training;
using AgentLightning.Triage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Stats;

/// <summary>Figures of one agent, counted by the database.</summary>
/// <param name="LightningEnabled">Whether calls are captured.</param>
/// <param name="UseTunedModel">Whether a release, when there is one, answers instead of the base model.</param>
public sealed record StatsResponse(
    string AgentId, bool LightningEnabled, bool UseTunedModel, Statistics Statistics, ActiveModel? ActiveDeployment, string CurrentModel, string BaseModel);

/// <param name="AverageReward">Of the current rewards, to three decimals.</param>
public sealed record Statistics(
    long TotalEpisodes, long TotalRewards, double AverageReward, long TotalDatasets, long TotalTrainingRuns, IReadOnlyDictionary<string, long> TrainingRunStatus, long TotalDeployments);

public sealed record ActiveModel(bool HasActive, string ModelName, DateTimeOffset PromotedAt);

internal static class StatsEndpoints
{
    public static void MapStats(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/stats", GetAsync).WithSummary("How many episodes, rewards, runs and releases an agent has, and what serves now.");

    private static async Task<StatsResponse> GetAsync(
        IEpisodeStore episodes, IRewardStore rewards, IDatasetStore datasets, ITrainingRunStore runs, IDeploymentStore deployments,
        CancellationToken cancellationToken, [FromQuery(Name = "agent_id")] string agentId = TriageAgent.DefaultAgentId)
    {
        var given = await rewards.SummariseAsync(agentId, cancellationToken);
        var byStatus = await runs.CountByStatusAsync(agentId, cancellationToken);
        var active = await deployments.FindActiveAsync(agentId, Deployment.DefaultSlot, cancellationToken);
        return new StatsResponse(
            agentId, true, true,
            new Statistics(
                await episodes.CountAsync(agentId, cancellationToken), given.Count, Math.Round(given.Mean, 3), await datasets.CountAsync(agentId, cancellationToken),
                byStatus.Values.Sum(), byStatus.ToDictionary(pair => EnumText.Of(pair.Key), pair => pair.Value), await deployments.CountAsync(agentId, cancellationToken)),
            active is null ? null : new ActiveModel(true, active.TunedModelName, active.PromotedAt),
            active?.TunedModelName ?? RuleTriagePolicy.PolicyName, RuleTriagePolicy.PolicyName);
    }
}
