using AgentLightning.Access;
using AgentLightning.Server.Access;
using AgentLightning.Triage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Triage;

/// <summary>A piece of feedback to analyse.</summary>
/// <param name="Comment">What the person wrote; required, under this name or as <c>text</c>.</param>
/// <param name="AgentId">Whose active policy answers; <c>triage</c> by default.</param>
/// <param name="EpisodeId">The client's own id for the episode; the same id twice is one episode.</param>
public sealed record TriageRequest(
    string? Comment,
    string? Text,
    string? Title,
    string? Type,
    int? Rating,
    string? Page,
    string? FeedbackId,
    string? AgentId,
    string? EpisodeId,
    string? SessionId
);

/// <summary>The analysis, the episode it is stored as, and who answered.</summary>
/// <param name="EpisodeId">To give a reward to; null when the call could not be captured, which does not fail the answer.</param>
public sealed record TriageResponse(
    string? EpisodeId,
    string Category,
    Severity Severity,
    string Action,
    int Priority,
    double Confidence,
    string Reasoning,
    bool NeedsHuman,
    string Model,
    string? DeploymentId
)
{
    public static TriageResponse Of(TriageResult result) =>
        new(
            // An id in the answer is one that a reward can be given to, even after a crash.
            result.Captured
                ? result.EpisodeId
                : null,
            result.Analysis.Category,
            result.Analysis.Severity,
            result.Analysis.Action,
            result.Analysis.Priority,
            result.Analysis.Confidence,
            result.Analysis.Reasoning,
            result.Analysis.NeedsHuman,
            result.Episode.ModelDeployment!,
            result.Episode.DeploymentId
        );
}

internal static class TriageEndpoints
{
    public static void MapTriage(this IEndpointRouteBuilder routes) =>
        routes
            .MapPost("/triage", AnalyzeAsync)
            .WithSummary("Analyses a piece of feedback with the active policy and captures the call as an episode.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .RequiresRole(Role.Write);

    private static async Task<TriageResponse> AnalyzeAsync(
        TriageRequest request,
        TriageFeedback triage,
        Scope scope,
        CancellationToken cancellationToken
    )
    {
        var task = new FeedbackTask(
            request.Comment ?? request.Text ?? "",
            request.Title,
            request.Type,
            request.Rating,
            request.Page,
            request.FeedbackId
        );
        var call = new TriageCall(request.AgentId, request.EpisodeId, request.SessionId, Durable: true);
        var result = await triage.ExecuteAsync(scope, task, call, Random.Shared, cancellationToken);
        return TriageResponse.Of(result);
    }
}
