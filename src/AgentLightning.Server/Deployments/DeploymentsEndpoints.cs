using System.Text.Json.Serialization;
using AgentLightning.Access;
using AgentLightning.Deployments;
using AgentLightning.Server.Access;
using AgentLightning.Triage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Deployments;

/// <summary>A run to release.</summary>
/// <param name="RunId">The training run whose model is to serve; required.</param>
/// <param name="Force">Releases it although the gate has not passed it; the record says so.</param>
public sealed record PromoteBody(string? AgentId, string? RunId, string? PromotedBy, bool Force = false)
{
    public PromoteRequest ToRequest() => new(AgentId, RunId, PromotedBy, Force);
}

/// <summary>A release to leave.</summary>
/// <param name="TargetDeploymentId">Where to go back to; the last good release by default.</param>
public sealed record RollbackBody(string? AgentId, string? TargetDeploymentId, string? Reason, string? RolledBackBy)
{
    public RollbackRequest ToRequest() => new(AgentId, TargetDeploymentId, Reason, RolledBackBy);
}

/// <summary>A release as lists show it.</summary>
/// <param name="Replaces">The release that was active before it.</param>
public sealed record DeploymentItem(
    string Id,
    string AgentId,
    string Slot,
    int Number,
    string? TrainingRunId,
    string? EvaluationId,
    string TunedModelName,
    bool IsActive,
    bool Forced,
    DateTimeOffset PromotedAt,
    string PromotedBy,
    string? Replaces,
    string? RollbackFrom,
    string? RollbackReason
)
{
    public static DeploymentItem Of(Deployment release) =>
        new(
            release.Id,
            release.AgentId,
            release.Slot,
            release.Number,
            release.TrainingRunId,
            release.EvaluationId,
            release.TunedModelName,
            release.IsActive,
            release.Forced,
            release.PromotedAt,
            release.PromotedBy,
            release.Replaces,
            release.RollbackFrom,
            release.RollbackReason
        );
}

/// <summary>Releases, newest first.</summary>
public sealed record DeploymentListResponse(string AgentId, int DeploymentsFound, IReadOnlyList<DeploymentItem> Deployments);

/// <summary>What a promotion made active.</summary>
public sealed record PromoteResponse(
    bool Success,
    string DeploymentId,
    string? TrainingRunId,
    string TunedModelName,
    bool IsActive,
    bool Forced,
    DateTimeOffset PromotedAt,
    string PromotedBy
);

/// <summary>What a rollback made active again.</summary>
public sealed record RollbackResponse(
    bool Success,
    string DeploymentId,
    string TunedModelName,
    bool IsActive,
    string? RollbackFrom,
    string? RollbackReason,
    string RolledBackBy
);

/// <summary>What serves now: a release, or else the base model and a message.</summary>
public sealed record ActiveDeploymentResponse(
    bool HasActiveDeployment,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? DeploymentId = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? TrainingRunId = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? TunedModelName = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DateTimeOffset? PromotedAt = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? PromotedBy = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Message = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? BaseModel = null
);

/// <summary>Each release with its evidence, newest first.</summary>
public sealed record LineageResponse(string AgentId, IReadOnlyList<LineageEntry> Lineage);

internal static class DeploymentsEndpoints
{
    public static void MapDeployments(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/deployments", ListAsync).WithSummary("Lists an agent's releases, newest first.").RequiresRole(Role.Read);
        routes.MapGet("/deployments/active", ActiveAsync).WithSummary("The release that serves now.").RequiresRole(Role.Read);
        routes
            .MapGet("/deployments/{id}", GetAsync)
            .WithSummary("One release.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Read);
        routes
            .MapGet("/deployments/lineage", LineageAsync)
            .WithSummary("Why what serves serves: each release with its run, data set and evaluation.")
            .RequiresRole(Role.Read);
        routes
            .MapPost("/deployments", PromoteAsync)
            .WithSummary("Releases the model of a training run that passed the gate; the next answer is its.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .RequiresRole(Role.Admin);
        routes
            .MapPost("/deployments/rollback", RollbackAsync)
            .WithSummary("Goes back to the last good release, or to the one named; the body may be {}.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .RequiresRole(Role.Admin);
    }

    private static async Task<DeploymentListResponse> ListAsync(
        ListDeployments deployments,
        Scope scope,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        int limit = 20,
        CancellationToken cancellationToken = default
    )
    {
        var list = await deployments.ExecuteAsync(scope, agentId, limit, cancellationToken);
        return new DeploymentListResponse(list.AgentId, list.Releases.Count, [.. list.Releases.Select(DeploymentItem.Of)]);
    }

    private static async Task<DeploymentItem> GetAsync(
        string id,
        GetDeployment deployment,
        Scope scope,
        CancellationToken cancellationToken
    ) => DeploymentItem.Of(await deployment.ExecuteAsync(scope, id, cancellationToken));

    private static async Task<ActiveDeploymentResponse> ActiveAsync(
        GetActiveDeployment deployment,
        Scope scope,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        CancellationToken cancellationToken = default
    )
    {
        var (agent, active) = await deployment.ExecuteAsync(scope, agentId, cancellationToken);
        return active is null
            ? new ActiveDeploymentResponse(
                false,
                Message: "No active tuned model. Using base model.",
                BaseModel: TriagePolicies.BaseModelOf(agent)
            )
            : new ActiveDeploymentResponse(
                true,
                active.Id,
                active.TrainingRunId,
                active.TunedModelName,
                active.PromotedAt,
                active.PromotedBy
            );
    }

    private static async Task<LineageResponse> LineageAsync(
        GetLineage lineage,
        Scope scope,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        CancellationToken cancellationToken = default
    )
    {
        var (agent, entries) = await lineage.ExecuteAsync(scope, agentId, cancellationToken);
        return new LineageResponse(agent, entries);
    }

    private static async Task<PromoteResponse> PromoteAsync(
        PromoteBody body,
        Promote promote,
        Scope scope,
        CancellationToken cancellationToken
    )
    {
        var d = await promote.ExecuteAsync(scope, body.ToRequest(), cancellationToken);
        return new PromoteResponse(true, d.Id, d.TrainingRunId, d.TunedModelName, d.IsActive, d.Forced, d.PromotedAt, d.PromotedBy);
    }

    private static async Task<RollbackResponse> RollbackAsync(
        RollbackBody body,
        Rollback rollback,
        Scope scope,
        CancellationToken cancellationToken
    )
    {
        var d = await rollback.ExecuteAsync(scope, body.ToRequest(), cancellationToken);
        return new RollbackResponse(true, d.Id, d.TunedModelName, d.IsActive, d.RollbackFrom, d.RollbackReason, d.PromotedBy);
    }
}
