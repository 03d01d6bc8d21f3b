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
/// <param name="RunId">The training run whose model is to serve; it or <paramref name="Model"/> is required.</param>
/// <param name="Force">Releases it although the gate has not passed it; the record says so.</param>
/// <param name="ForceReason">Why it is forced, for the record.</param>
/// <param name="Slot">The slot that it serves in; <c>production</c> by default.</param>
/// <param name="Model">A model that no run made, by its name: what an agent begins with. No gate is asked for it.</param>
public sealed record PromoteBody(
    string? AgentId,
    string? RunId,
    string? PromotedBy = null,
    bool Force = false,
    string? ForceReason = null,
    string? Slot = null,
    string? Model = null
)
{
    public PromoteRequest ToRequest() => new(AgentId, RunId, PromotedBy, Force, Slot ?? Deployment.DefaultSlot, Force ? ForceReason : null);

    /// <summary>The model that is named, or null when a run is.</summary>
    public PromoteBaseRequest? ToBaseRequest() =>
        Model is null ? null
        : RunId is not null ? throw LightningException.Invalid("run_id and model both say what is to serve; give one of them.")
        : new PromoteBaseRequest(AgentId, Model, null, PromotedBy, Slot ?? Deployment.DefaultSlot);
}

/// <summary>A release to take off, so that the base model serves.</summary>
public sealed record DeactivateBody(string? AgentId, string? Reason = null, string? Slot = null)
{
    public DeactivateRequest ToRequest() => new(AgentId, Reason, Slot ?? Deployment.DefaultSlot);
}

/// <summary>What serves after a release was taken off.</summary>
/// <param name="DeploymentId">What was taken off; null when nothing was active.</param>
public sealed record DeactivateResponse(bool Success, string Message, string? BaseModel, string? Reason, string? DeploymentId)
{
    public static DeactivateResponse Of(Deactivated left) =>
        new(
            true,
            left.Release is null ? "No active tuned model. Using base model." : "Tuned model deactivated. Now using base model.",
            TriagePolicies.BaseModelOf(left.AgentId),
            left.Reason,
            left.Release?.Id
        );
}

/// <summary>A release to leave.</summary>
/// <param name="TargetDeploymentId">Where to go back to; the last good release by default.</param>
public sealed record RollbackBody(string? AgentId, string? TargetDeploymentId, string? Reason, string? RolledBackBy, string? Slot = null)
{
    public RollbackRequest ToRequest() => new(AgentId, TargetDeploymentId, Reason, RolledBackBy, Slot: Slot ?? Deployment.DefaultSlot);
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
    string? RollbackReason,
    bool IsCandidate = false,
    string? ExperimentId = null,
    string? ForceReason = null,
    string? DeactivationReason = null
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
            release.RollbackReason,
            release.IsCandidate,
            release.ExperimentId,
            release.ForceReason,
            release.DeactivationReason
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
        routes
            .MapGet("/deployments", ListAsync)
            .WithSummary("Lists an agent's releases, newest first; the header Link names the next page.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Read);
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
        routes
            .MapPost("/deployments/deactivate", DeactivateAsync)
            .WithSummary("Takes the active release off, so that the base model serves; the body may be {}.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .RequiresRole(Role.Admin);
    }

    private static async Task<DeploymentListResponse> ListAsync(
        ListDeployments deployments,
        HttpResponse response,
        Scope scope,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        string? slot = null,
        int limit = 20,
        string? before = null,
        CancellationToken cancellationToken = default
    )
    {
        var list = await deployments.ExecuteAsync(scope, agentId, slot, limit, before, cancellationToken);
        response.LinkNext(ListPage.Of(list.Releases, limit, release => release.Cursor()).Next);
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
        string slot = Deployment.DefaultSlot,
        CancellationToken cancellationToken = default
    )
    {
        var (agent, active) = await deployment.ExecuteAsync(scope, agentId, slot, cancellationToken);
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
        PromoteBase promoteBase,
        Scope scope,
        CancellationToken cancellationToken
    )
    {
        var d = body.ToBaseRequest() is { } model
            ? await promoteBase.ExecuteAsync(scope, model, cancellationToken)
            : await promote.ExecuteAsync(scope, body.ToRequest(), cancellationToken);
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

    private static async Task<DeactivateResponse> DeactivateAsync(
        DeactivateBody body,
        Deactivate deactivate,
        Scope scope,
        CancellationToken cancellationToken
    ) => DeactivateResponse.Of(await deactivate.ExecuteAsync(scope, body.ToRequest(), cancellationToken));
}
