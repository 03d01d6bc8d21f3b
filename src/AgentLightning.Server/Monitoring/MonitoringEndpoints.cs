using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Monitoring;
using AgentLightning.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Monitoring;

/// <summary>Average rewards of a period of UTC days, both ends included.</summary>
public sealed record RewardGroupsResponse(
    string? AgentId,
    DateOnly Start,
    DateOnly End,
    RewardGrouping By,
    IReadOnlyList<RewardGroup> Groups
);

/// <summary>The share of the messages of a period that got feedback.</summary>
public sealed record SubmissionResponse(
    string? AgentId,
    DateOnly Start,
    DateOnly End,
    long Episodes,
    long EpisodesWithFeedback,
    double SubmissionRate,
    double SubmissionRatePct
);

/// <summary>How the current rewards of a period spread.</summary>
public sealed record DistributionResponse(
    string? AgentId,
    DateOnly Start,
    DateOnly End,
    long Rewards,
    double? AverageReward,
    long Excellent,
    long Good,
    long Poor
);

/// <summary>Kinds of episodes that are rewarded worse than the rest, worst first.</summary>
public sealed record LowRewardResponse(
    string? AgentId,
    DateOnly Start,
    DateOnly End,
    int PatternsFound,
    IReadOnlyList<LowRewardPattern> Patterns
);

internal static class MonitoringEndpoints
{
    public static void MapMonitoring(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/monitoring").RequiresRole(Role.Read);
        group
            .MapGet("/rewards", RewardsAsync)
            .WithSummary("Average reward by day, week, intent, persona or model over up to 366 days.")
            .ProducesProblem(StatusCodes.Status400BadRequest);
        group
            .MapGet("/submission-rate", SubmissionAsync)
            .WithSummary("The share of messages that got feedback.")
            .ProducesProblem(StatusCodes.Status400BadRequest);
        group
            .MapGet("/distribution", DistributionAsync)
            .WithSummary("How many rewards are excellent, good and poor.")
            .ProducesProblem(StatusCodes.Status400BadRequest);
        group
            .MapGet("/low-rewards", LowRewardsAsync)
            .WithSummary("Kinds of episodes that are rewarded worse than the rest, beyond chance, worst first, with examples.")
            .ProducesProblem(StatusCodes.Status400BadRequest);
    }

    private static async Task<RewardGroupsResponse> RewardsAsync(
        MonitoringReader monitoring,
        TimeProvider time,
        Scope scope,
        CancellationToken cancellationToken,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        string? start = null,
        string? end = null,
        string by = "day",
        int limit = 100
    )
    {
        var (period, grouping) = (MonitoringPeriod.Parse(start, end, time), EnumText.Parse<RewardGrouping>(by, "by"));
        return new RewardGroupsResponse(
            agentId,
            period.Start,
            period.End,
            grouping,
            await monitoring.GroupAsync(scope.AgentOrAll(agentId), period, grouping, limit, cancellationToken)
        );
    }

    private static async Task<SubmissionResponse> SubmissionAsync(
        MonitoringReader monitoring,
        TimeProvider time,
        Scope scope,
        CancellationToken cancellationToken,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        string? start = null,
        string? end = null
    )
    {
        var period = MonitoringPeriod.Parse(start, end, time);
        var submission = await monitoring.SubmissionAsync(scope.AgentOrAll(agentId), period, cancellationToken);
        return new SubmissionResponse(
            agentId,
            period.Start,
            period.End,
            submission.Episodes,
            submission.EpisodesWithFeedback,
            submission.Rate,
            submission.Percent
        );
    }

    private static async Task<DistributionResponse> DistributionAsync(
        MonitoringReader monitoring,
        TimeProvider time,
        Scope scope,
        CancellationToken cancellationToken,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        string? start = null,
        string? end = null
    )
    {
        var period = MonitoringPeriod.Parse(start, end, time);
        var spread = await monitoring.DistributionAsync(scope.AgentOrAll(agentId), period, cancellationToken);
        return new DistributionResponse(
            agentId,
            period.Start,
            period.End,
            spread.Rewards,
            spread.AverageReward,
            spread.Excellent,
            spread.Good,
            spread.Poor
        );
    }

    private static async Task<LowRewardResponse> LowRewardsAsync(
        MonitoringReader monitoring,
        TimeProvider time,
        Scope scope,
        CancellationToken cancellationToken,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        string? start = null,
        string? end = null,
        int limit = 10
    )
    {
        var period = MonitoringPeriod.Parse(start, end, time);
        var patterns = await monitoring.LowPatternsAsync(scope.AgentOrAll(agentId), period, limit, cancellationToken);
        return new LowRewardResponse(agentId, period.Start, period.End, patterns.Count, patterns);
    }
}
