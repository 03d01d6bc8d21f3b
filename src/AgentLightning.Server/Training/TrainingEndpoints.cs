using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Server.Access;
using AgentLightning.Training;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Training;

internal static class TrainingEndpoints
{
    public static void MapTraining(this IEndpointRouteBuilder routes)
    {
        routes
            .MapPost("/training", StartAsync)
            .WithSummary("Queues a training run, which the next server that has time executes. All mistakes are told at once.")
            .Produces<StartTrainingResponse>(StatusCodes.Status201Created)
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .RequiresRole(Role.Write);
        routes
            .MapGet("/training", ListAsync)
            .WithSummary("Lists training runs, newest first; 'before' takes the id of a run; the header Link names the next page.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Read);
        routes
            .MapGet("/training/{id}", GetAsync)
            .WithSummary("One training run, with how far it is.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Read);
        routes
            .MapPost("/training/{id}/cancel", CancelAsync)
            .WithSummary("Cancels a pending run at once, and a running one at its next step.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .RequiresRole(Role.Write);
        routes
            .MapGet("/training/{id}/log", LogAsync)
            .WithSummary("What a run says: messages, and what its steps measured. 'after' takes the number of the last line that is known.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Read);
    }

    private static async Task<IResult> StartAsync(
        StartTrainingBody body,
        StartTraining training,
        Scope scope,
        CancellationToken cancellationToken
    )
    {
        var run = await training.ExecuteAsync(scope, body.ToRequest(), cancellationToken);
        return TypedResults.Created($"/api/lightning/training/{run.Id}", StartTrainingResponse.Of(run));
    }

    private static async Task<TrainingRunListResponse> ListAsync(
        ListTrainingRuns runs,
        HttpResponse response,
        Scope scope,
        [FromQuery(Name = "agent_id")] string? agentId,
        string? status,
        int? limit,
        string? before,
        CancellationToken cancellationToken
    )
    {
        var word = status is null ? (TrainingStatus?)null : EnumText.Parse<TrainingStatus>(status, "status");
        var page = await runs.ExecuteAsync(scope, new TrainingRunQuery(agentId, word, limit ?? 20, before), cancellationToken);
        response.LinkNext(page.Next);
        return TrainingRunListResponse.Of(agentId, page.Items);
    }

    private static async Task<TrainingRunResponse> GetAsync(
        string id,
        GetTrainingRun run,
        Scope scope,
        CancellationToken cancellationToken
    ) => TrainingRunResponse.Of(await run.ExecuteAsync(scope, id, cancellationToken));

    private static async Task<TrainingRunResponse> CancelAsync(
        string id,
        CancelTraining cancel,
        Scope scope,
        CancellationToken cancellationToken
    ) => TrainingRunResponse.Of(await cancel.ExecuteAsync(scope, id, cancellationToken));

    private static async Task<TrainingLogResponse> LogAsync(
        string id,
        GetTrainingLog log,
        Scope scope,
        long? after,
        int? limit,
        CancellationToken cancellationToken
    )
    {
        var (run, lines) = await log.ExecuteAsync(scope, new TrainingLogQuery(id, after ?? 0, limit ?? 200), cancellationToken);
        return new TrainingLogResponse(run.Id, run.Status, lines);
    }
}
