using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Deployments;
using AgentLightning.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Datasets;

internal static class DatasetsEndpoints
{
    private const string LineJson = "application/x-ndjson";
    private const string Csv = "text/csv";

    public static void MapDatasets(this IEndpointRouteBuilder routes)
    {
        routes
            .MapGet("/datasets", ListAsync)
            .WithSummary("Lists data sets, newest first; the header Link names the next page.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .RequiresRole(Role.Read);
        routes
            .MapPost("/datasets", BuildAsync)
            .WithSummary(
                "Makes a data set of rewarded episodes: kind chat, preference, prompts or classification. All parts of the body may be "
                    + "left out."
            )
            .Produces<BuiltDatasetResponse>(StatusCodes.Status201Created)
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .RequiresRole(Role.Write);
        routes
            .MapPost("/datasets/preview", PreviewAsync)
            .WithSummary("Tells what would be in a data set, and how many episodes would not and why; nothing is made.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .RequiresRole(Role.Read);
        routes
            .MapPost("/datasets/golden", GoldenAsync)
            .WithSummary(
                "Makes a data set of conversations that people wrote: lines of {\"messages\":[…]}. Lines that are none are told and left "
                    + "out."
            )
            .Accepts<Stream>(LineJson, "application/jsonl", "application/json")
            .Produces<GoldenDatasetResponse>(StatusCodes.Status201Created)
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .RequiresRole(Role.Write);
        routes
            .MapGet("/datasets/lineage", UseAsync)
            .WithSummary("Which data sets, training runs and releases learned from a user, a session or an episode.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .RequiresRole(Role.Read);
        routes
            .MapGet("/datasets/{id}", GetAsync)
            .WithSummary("One data set, with what was asked for and what was left out.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Read);
        routes
            .MapGet("/datasets/{id}/export", ExportAsync)
            .WithSummary("The rows of a data set as lines: format jsonl, openai, dpo, trl or csv; side train or validation.")
            .Produces<Stream>(StatusCodes.Status200OK, LineJson, Csv)
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status500InternalServerError)
            .RequiresRole(Role.Read);
    }

    private static async Task<DatasetListResponse> ListAsync(
        ListDatasets datasets,
        HttpResponse response,
        Scope scope,
        [FromQuery(Name = "agent_id")] string? agentId,
        int? limit,
        string? before,
        CancellationToken cancellationToken
    )
    {
        var page = await datasets.ListAsync(scope, agentId, limit ?? 20, before, cancellationToken);
        response.LinkNext(page.Next);
        return DatasetListResponse.Of(agentId, page);
    }

    private static async Task<IResult> BuildAsync(DatasetBody body, BuildDataset build, Scope scope, CancellationToken cancellationToken)
    {
        var built = BuiltDatasetResponse.Of(await build.ExecuteAsync(scope, body.ToInput(), cancellationToken));
        return TypedResults.Created($"/api/lightning/datasets/{built.DatasetId}", built);
    }

    private static Task<DatasetPreview> PreviewAsync(
        DatasetBody body,
        BuildDataset build,
        Scope scope,
        CancellationToken cancellationToken
    ) => build.PreviewAsync(scope, body.ToInput(), cancellationToken);

    private static async Task<IResult> GoldenAsync(
        HttpRequest request,
        BuildGolden build,
        Scope scope,
        [FromQuery(Name = "agent_id")] string? agentId,
        string? name,
        string? description,
        long? seed,
        [FromQuery(Name = "train_split")] double? trainSplit,
        CancellationToken cancellationToken
    )
    {
        var input = new GoldenInput(agentId, name, description, seed, trainSplit);
        var built = GoldenDatasetResponse.Of(await build.ExecuteAsync(scope, input, request.Body, cancellationToken));
        return TypedResults.Created($"/api/lightning/datasets/{built.DatasetId}", built);
    }

    private static async Task<DatasetResponse> GetAsync(
        string id,
        ListDatasets datasets,
        Scope scope,
        CancellationToken cancellationToken
    ) => DatasetResponse.Of(await datasets.GetAsync(scope, id, cancellationToken));

    private static Task<DataUse> UseAsync(
        FindDataUse use,
        Scope scope,
        [FromQuery(Name = "user_id")] string? userId,
        [FromQuery(Name = "session_id")] string? sessionId,
        [FromQuery(Name = "episode_id")] string? episodeId,
        CancellationToken cancellationToken
    ) => use.ExecuteAsync(scope, new DataUseQuery(userId, sessionId, episodeId), cancellationToken);

    private static async Task ExportAsync(
        string id,
        HttpResponse response,
        ExportDataset export,
        Scope scope,
        string? format,
        string? side,
        CancellationToken cancellationToken
    )
    {
        var form = format is null ? DatasetFormat.Jsonl : EnumText.Parse<DatasetFormat>(format, "format");
        var lines = await export.ReadAsync(
            scope,
            id,
            form,
            side is null ? null : EnumText.Parse<DatasetSide>(side, "side"),
            cancellationToken
        );
        await using var each = lines.GetAsyncEnumerator(cancellationToken);
        // What is refused, and content that is not there, are told before the answer begins.
        var more = await each.MoveNextAsync();
        response.ContentType = form == DatasetFormat.Csv ? Csv : LineJson;
        await using var writer = new StreamWriter(response.Body);
        for (; more; more = await each.MoveNextAsync())
        {
            await writer.WriteAsync(each.Current.AsMemory(), cancellationToken);
            await writer.WriteAsync('\n');
        }
    }
}
