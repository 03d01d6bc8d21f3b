using AgentLightning.Access;
using AgentLightning.Monitoring;
using AgentLightning.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Monitoring;

internal static class MonitoringEndpoints
{
    public static void MapMonitoring(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/monitoring").RequiresRole(Role.Read);
        group
            .MapGet("/rewards", RewardsAsync)
            .WithSummary("Average reward by day, week, intent, persona or model over up to 366 days.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
        group
            .MapGet("/submission-rate", SubmissionAsync)
            .WithSummary("The share of messages that got feedback.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
        group
            .MapGet("/distribution", DistributionAsync)
            .WithSummary("How many rewards are excellent, good and poor.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
        group
            .MapGet("/low-rewards", LowRewardsAsync)
            .WithSummary("Kinds of episodes that are rewarded worse than the rest, beyond chance, worst first, with examples.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    /// <summary>The figures of an agent as a whole.</summary>
    public static void MapStats(this IEndpointRouteBuilder routes) =>
        routes
            .MapGet("/stats", StatsAsync)
            .WithSummary("How many episodes, rewards, runs and releases an agent has, and what serves now.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Read);

    private static Task<AgentStats> StatsAsync(
        GetStats stats,
        Scope scope,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        CancellationToken cancellationToken = default
    ) => stats.ReadAsync(scope, agentId, cancellationToken);

    private static Task<RewardGroups> RewardsAsync(
        GetMonitoring monitoring,
        Scope scope,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        string? start = null,
        string? end = null,
        string by = "day",
        int limit = 100,
        CancellationToken cancellationToken = default
    ) => monitoring.GroupAsync(scope, agentId, start, end, by, limit, cancellationToken);

    private static Task<FeedbackSubmission> SubmissionAsync(
        GetMonitoring monitoring,
        Scope scope,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        string? start = null,
        string? end = null,
        CancellationToken cancellationToken = default
    ) => monitoring.SubmissionAsync(scope, agentId, start, end, cancellationToken);

    private static Task<RewardDistribution> DistributionAsync(
        GetMonitoring monitoring,
        Scope scope,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        string? start = null,
        string? end = null,
        CancellationToken cancellationToken = default
    ) => monitoring.DistributionAsync(scope, agentId, start, end, cancellationToken);

    private static Task<LowRewards> LowRewardsAsync(
        GetMonitoring monitoring,
        Scope scope,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        string? start = null,
        string? end = null,
        int limit = 10,
        CancellationToken cancellationToken = default
    ) => monitoring.LowPatternsAsync(scope, agentId, start, end, limit, cancellationToken);
}
