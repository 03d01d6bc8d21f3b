using AgentLightning.Access;
using AgentLightning.Deployments;
using AgentLightning.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Deployments;

/// <summary>What answers in a session.</summary>
/// <param name="DeploymentId">To be given with the episodes of the session; null when the base model answers.</param>
/// <param name="TunedModelName">The model to ask; null when the base model answers.</param>
/// <param name="ExperimentId">The experiment that decided; null when none runs.</param>
/// <param name="Variant">What it calls its choice.</param>
public sealed record SelectedReleaseResponse(string? DeploymentId, string? TunedModelName, string? ExperimentId, string? Variant);

internal static class SelectionEndpoints
{
    public static void MapSelection(this IEndpointRouteBuilder routes) =>
        routes
            .MapGet("/deployments/selected", SelectAsync)
            .WithSummary("Which release an agent is to answer with in a session; the same one for the whole session.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .RequiresRole(Role.Write);

    private static async Task<SelectedReleaseResponse> SelectAsync(
        SelectRelease select,
        Scope scope,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        [FromQuery(Name = "session_id")] string? sessionId = null,
        [FromQuery(Name = "slot")] string? slot = null,
        CancellationToken cancellationToken = default
    )
    {
        var served = await select.ExecuteAsync(scope, agentId, sessionId, slot, cancellationToken);
        return new SelectedReleaseResponse(served.Release?.Id, served.Release?.TunedModelName, served.ExperimentId, served.Variant);
    }
}
