using System.IO.Compression;
using AgentLightning.Access;
using AgentLightning.Capture;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Server.Access;
using AgentLightning.Server.Limits;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Capture;

internal static class CaptureEndpoints
{
    private const string LineJson = "application/x-ndjson";

    /// <summary>What of a compressed batch is in memory at once: the longest line, and a group that is being stored.</summary>
    private const long InflatedAtOnce = 16 * 1024 * 1024;

    public static void MapCapture(this IEndpointRouteBuilder routes)
    {
        routes
            .MapPost("/episodes", AddEpisodeAsync)
            .WithSummary(
                "Stores an episode; it is on disk when the answer comes. An id that is there already leaves the first as it was: 200 with "
                    + "duplicate true."
            )
            .Produces<CapturedEpisode>(StatusCodes.Status200OK)
            .Produces<CapturedEpisode>(StatusCodes.Status201Created)
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .RequiresRole(Role.Write);
        routes
            .MapPost("/capture", AddBatchAsync)
            .WithSummary(
                "Stores a batch: one object a line, with type episode or reward; a reward may stand before its episode; gzip is taken. "
                    + "Lines that cannot be taken are told and do not stop the others."
            )
            .Accepts<Stream>(LineJson, "application/json")
            .Produces<CaptureOutcome>()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status415UnsupportedMediaType)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .RequiresRole(Role.Write);
        routes
            .MapGet("/export", ExportAsync)
            .WithSummary("Every episode of an agent, or of all, with its rewards, as lines that capture takes.")
            .Produces<Stream>(StatusCodes.Status200OK, LineJson)
            .RequiresRole(Role.Read);
    }

    private static async Task ExportAsync(
        HttpResponse response,
        ExportEpisodes export,
        Scope scope,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        [FromQuery(Name = "session_id")] string? sessionId = null,
        [FromQuery(Name = "user_id")] string? userId = null,
        [FromQuery(Name = "start_date")] string? startDate = null,
        [FromQuery(Name = "end_date")] string? endDate = null,
        CancellationToken cancellationToken = default
    )
    {
        // Refused before the answer begins.
        var lines = export.ReadAsync(
            scope,
            new EpisodeQuery(
                agentId,
                IsoTime.Start(startDate, "start_date"),
                IsoTime.End(endDate, "end_date"),
                SessionId: sessionId,
                UserId: userId
            ),
            cancellationToken
        );
        response.ContentType = LineJson;
        await using var writer = new StreamWriter(response.Body);
        await foreach (var line in lines)
        {
            await writer.WriteAsync(line.AsMemory(), cancellationToken);
            await writer.WriteAsync('\n');
        }
    }

    private static async Task<IResult> AddEpisodeAsync(
        EpisodeInput body,
        CaptureEpisode capture,
        Scope scope,
        CancellationToken cancellationToken
    )
    {
        var captured = await capture.AddAsync(scope, body, cancellationToken);
        return captured.Duplicate
            ? TypedResults.Ok(captured)
            : TypedResults.Created($"/api/lightning/episodes/{Uri.EscapeDataString(captured.EpisodeId)}", captured);
    }

    private static async Task<IResult> AddBatchAsync(
        HttpRequest request,
        CaptureBatch capture,
        ByteBudgetOptions budget,
        Scope scope,
        CancellationToken cancellationToken
    )
    {
        var encoding = request.Headers.ContentEncoding.ToString();
        if (encoding is not ("" or "identity" or "gzip"))
        {
            return TypedResults.Problem("content-encoding must be gzip or absent.", statusCode: StatusCodes.Status415UnsupportedMediaType);
        }

        if (encoding == "gzip")
        {
            await BodyBudget.ShareOf(request.HttpContext).TakeAsync(Math.Min(InflatedAtOnce, budget.OfConnection / 2), cancellationToken);
        }

        try
        {
            await using var lines =
                encoding == "gzip" ? new GZipStream(request.Body, CompressionMode.Decompress, leaveOpen: true) : request.Body;
            return TypedResults.Ok(await capture.AddAsync(scope, lines, cancellationToken));
        }
        catch (InvalidDataException e)
        {
            throw new LightningException(ErrorKind.Invalid, "The body is not the gzip that content-encoding says.", e);
        }
    }
}
