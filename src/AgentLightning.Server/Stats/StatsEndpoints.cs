using AgentLightning.Access;
using AgentLightning.Server.Access;
using AgentLightning.Stats;
using AgentLightning.Triage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Stats;

internal static class StatsEndpoints
{
    public static void MapStats(this IEndpointRouteBuilder routes) =>
        routes
            .MapGet("/stats", GetAsync)
            .WithSummary("How many episodes, rewards, runs and releases an agent has, and what serves now.")
            .RequiresRole(Role.Read);

    private static Task<AgentStats> GetAsync(
        StatsReader stats,
        Scope scope,
        CancellationToken cancellationToken,
        [FromQuery(Name = "agent_id")] string? agentId = null
    ) => stats.ReadAsync(scope.Agent(agentId, TriageAgent.DefaultAgentId), RuleTriagePolicy.PolicyName, cancellationToken);
}
