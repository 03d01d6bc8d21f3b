using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Experiments;
using AgentLightning.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Experiments;

internal static class ExperimentsEndpoints
{
    public static void MapExperiments(this IEndpointRouteBuilder routes)
    {
        routes
            .MapPost("/experiments", StartAsync)
            .WithSummary("Splits an agent's sessions between its release and the models of training runs that passed the gate.")
            .Produces<Experiment>(StatusCodes.Status201Created)
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .RequiresRole(Role.Admin);
        routes
            .MapGet("/experiments", ListAsync)
            .WithSummary("Lists an agent's experiments, newest first; the header Link names the next page.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Read);
        routes
            .MapGet("/experiments/status", StatusAsync)
            .WithSummary("The experiment that runs, or else the last, with its figures and what its rules say of them.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Read);
        routes
            .MapGet("/experiments/{id}", GetAsync)
            .WithSummary("One experiment, with its figures and what its rules say of them.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Read);
        routes
            .MapPost("/experiments/stop", StopAsync)
            .WithSummary("Ends an experiment: what served before serves everybody, or the candidate that is named; the body may be {}.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .RequiresRole(Role.Admin);
        routes
            .MapPost("/experiments/step", StepAsync)
            .WithSummary("Gives the candidates of an experiment another share of the sessions.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .RequiresRole(Role.Admin);
    }

    private static async Task<IResult> StartAsync(
        StartExperimentBody body,
        StartExperiment start,
        Scope scope,
        CancellationToken cancellationToken
    )
    {
        var experiment = await start.ExecuteAsync(scope, body.ToRequest(), cancellationToken);
        return TypedResults.Created($"/api/lightning/experiments/{experiment.Id}", experiment);
    }

    private static async Task<ExperimentListResponse> ListAsync(
        ListExperiments experiments,
        HttpResponse response,
        Scope scope,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        int limit = 20,
        string? before = null,
        CancellationToken cancellationToken = default
    )
    {
        var list = await experiments.ExecuteAsync(scope, agentId, limit, before, cancellationToken);
        response.LinkNext(ListPage.Of(list.Experiments, limit, found => found.Cursor()).Next);
        return ExperimentListResponse.Of(list);
    }

    private static async Task<ExperimentResponse> StatusAsync(
        GetExperiment experiment,
        Scope scope,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        string slot = Deployment.DefaultSlot,
        CancellationToken cancellationToken = default
    ) => ExperimentResponse.Of(await experiment.LatestAsync(scope, agentId, slot, cancellationToken));

    private static async Task<ExperimentResponse> GetAsync(
        string id,
        GetExperiment experiment,
        Scope scope,
        CancellationToken cancellationToken
    ) => ExperimentResponse.Of(await experiment.ExecuteAsync(scope, id, cancellationToken));

    private static Task<Experiment> StopAsync(
        StopExperimentBody body,
        StopExperiment stop,
        Scope scope,
        CancellationToken cancellationToken
    ) => stop.ExecuteAsync(scope, body.ToRequest(), cancellationToken);

    private static Task<Experiment> StepAsync(
        StepExperimentBody body,
        StopExperiment stop,
        Scope scope,
        CancellationToken cancellationToken
    ) => stop.StepAsync(scope, body.ToRequest(), cancellationToken);
}
