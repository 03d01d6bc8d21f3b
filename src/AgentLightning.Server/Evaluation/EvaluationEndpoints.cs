using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Evaluation;
using AgentLightning.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Evaluation;

/// <summary>A run to prove against what serves now.</summary>
/// <param name="RunId">The training run; required.</param>
/// <param name="Metric"><c>macro_f1</c>, <c>accuracy</c>, <c>exact_match</c>, <c>normalised_match</c> or <c>token_f1</c>.</param>
/// <param name="Grader">A grader as JSON, instead of a metric.</param>
public sealed record EvaluateBody(string? AgentId, string? RunId, string? Metric = null, JsonElement? Grader = null, string? Slot = null)
{
    public EvaluateRequest ToRequest() => new(AgentId, RunId, Metric, Grader, Slot ?? Deployment.DefaultSlot);
}

/// <summary>Evaluations, newest first.</summary>
public sealed record EvaluationListResponse(string AgentId, int EvaluationsFound, IReadOnlyList<EvaluationRecord> Evaluations)
{
    public static EvaluationListResponse Of(EvaluationList list) => new(list.AgentId, list.Evaluations.Count, list.Evaluations);
}

internal static class EvaluationEndpoints
{
    public static void MapEvaluations(this IEndpointRouteBuilder routes)
    {
        routes
            .MapPost("/evaluations", EvaluateAsync)
            .WithSummary(
                "Compares the model of a training run with what serves now, on the held-out rows of its data set, and stores the verdict. "
                    + "It answers when both models have answered all of them."
            )
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .RequiresRole(Role.Write);
        routes
            .MapGet("/evaluations", ListAsync)
            .WithSummary("Lists an agent's evaluations, newest first; the header Link names the next page.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Read);
        routes
            .MapGet("/evaluations/{id}", GetAsync)
            .WithSummary("One evaluation.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Read);
    }

    private static Task<EvaluationRecord> EvaluateAsync(
        EvaluateBody body,
        EvaluateRun evaluate,
        Scope scope,
        CancellationToken cancellationToken
    ) => evaluate.ExecuteAsync(scope, body.ToRequest(), cancellationToken);

    private static async Task<EvaluationListResponse> ListAsync(
        GetEvaluation evaluations,
        HttpResponse response,
        Scope scope,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        [FromQuery(Name = "run_id")] string? runId = null,
        int limit = 20,
        string? before = null,
        CancellationToken cancellationToken = default
    )
    {
        var list = await evaluations.ListAsync(scope, agentId, runId, limit, before, cancellationToken);
        response.LinkNext(ListPage.Of(list.Evaluations, limit, found => PageCursor.After(found.CreatedAt, found.Id)).Next);
        return EvaluationListResponse.Of(list);
    }

    private static Task<EvaluationRecord> GetAsync(
        string id,
        GetEvaluation evaluations,
        Scope scope,
        CancellationToken cancellationToken
    ) => evaluations.ExecuteAsync(scope, id, cancellationToken);
}
