using System.Text.Json.Serialization;
using AgentLightning.Access;
using AgentLightning.Common;
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
public sealed record PromoteBody(string? AgentId, string? RunId, string? PromotedBy, bool Force = false);

/// <summary>A release to leave.</summary>
/// <param name="TargetDeploymentId">Where to go back to; the last good release by default.</param>
public sealed record RollbackBody(string? AgentId, string? TargetDeploymentId, string? Reason, string? RolledBackBy);

/// <summary>A release as lists show it.</summary>
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
    string? RollbackFrom,
    string? RollbackReason
);

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
    private const int Listed = 100;

    public static void MapDeployments(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/deployments", ListAsync).WithSummary("Lists an agent's releases, newest first.").RequiresRole(Role.Read);
        routes.MapGet("/deployments/active", ActiveAsync).WithSummary("The release that serves now.").RequiresRole(Role.Read);
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
            .WithSummary("Goes back to the last good release, or to the one named.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .RequiresRole(Role.Admin);
    }

    private static async Task<DeploymentListResponse> ListAsync(
        IDeploymentStore deployments,
        Scope scope,
        CancellationToken cancellationToken,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        int limit = 20
    )
    {
        if (limit is < 1 or > 1_000)
        {
            throw LightningException.Invalid($"limit must be from 1 to 1000, but it is {limit}.");
        }

        var agent = scope.Agent(agentId, TriageAgent.DefaultAgentId);
        var found = await deployments.ListAsync(agent, null, limit, cancellationToken);
        return new DeploymentListResponse(
            agent,
            found.Count,
            [
                .. found.Select(d => new DeploymentItem(
                    d.Id,
                    d.AgentId,
                    d.Slot,
                    d.Number,
                    d.TrainingRunId,
                    d.EvaluationId,
                    d.TunedModelName,
                    d.IsActive,
                    d.Forced,
                    d.PromotedAt,
                    d.PromotedBy,
                    d.RollbackFrom,
                    d.RollbackReason
                )),
            ]
        );
    }

    private static async Task<ActiveDeploymentResponse> ActiveAsync(
        IDeploymentStore deployments,
        Scope scope,
        CancellationToken cancellationToken,
        [FromQuery(Name = "agent_id")] string? agentId = null
    )
    {
        var active = await deployments.FindActiveAsync(
            scope.Agent(agentId, TriageAgent.DefaultAgentId),
            Deployment.DefaultSlot,
            cancellationToken
        );
        return active is null
            ? new ActiveDeploymentResponse(
                false,
                Message: "No active tuned model. Using base model.",
                BaseModel: RuleTriagePolicy.PolicyName
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
        LineageReader lineage,
        Scope scope,
        CancellationToken cancellationToken,
        [FromQuery(Name = "agent_id")] string? agentId = null
    )
    {
        var agent = scope.Agent(agentId, TriageAgent.DefaultAgentId);
        return new LineageResponse(agent, await lineage.ReadAsync(agent, Listed, cancellationToken));
    }

    private static async Task<PromoteResponse> PromoteAsync(
        PromoteBody body,
        DeploymentService service,
        Scope scope,
        CancellationToken cancellationToken
    )
    {
        var runId = Ids.Check(body.RunId, "run_id");
        var d = await service.PromoteAsync(
            scope.Agent(body.AgentId, TriageAgent.DefaultAgentId),
            runId,
            body.PromotedBy ?? scope.Actor,
            body.Force,
            cancellationToken
        );
        return new PromoteResponse(true, d.Id, d.TrainingRunId, d.TunedModelName, d.IsActive, d.Forced, d.PromotedAt, d.PromotedBy);
    }

    private static async Task<RollbackResponse> RollbackAsync(
        RollbackBody? body,
        DeploymentService service,
        Scope scope,
        CancellationToken cancellationToken
    )
    {
        var d = await service.RollbackAsync(
            scope.Agent(body?.AgentId, TriageAgent.DefaultAgentId),
            body?.Reason ?? "requested",
            body?.RolledBackBy ?? scope.Actor,
            cancellationToken,
            body?.TargetDeploymentId
        );
        return new RollbackResponse(true, d.Id, d.TunedModelName, d.IsActive, d.RollbackFrom, d.RollbackReason, d.PromotedBy);
    }
}
