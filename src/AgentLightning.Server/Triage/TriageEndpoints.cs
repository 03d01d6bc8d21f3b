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
)
{
    public FeedbackTask ToTask() => new(Comment ?? Text ?? "", Title, Type, Rating, Page, FeedbackId);

    public TriageCall ToCall() => new(AgentId, EpisodeId, SessionId, Durable: true);
}

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
        Of(result.Analysis, result.Episode.ModelDeployment!) with
        {
            // An id in the answer is one that a reward can be given to, even after a crash.
            EpisodeId = result.Captured ? result.EpisodeId : null,
            DeploymentId = result.Episode.DeploymentId,
        };

    /// <summary>An answer that was not captured.</summary>
    public static TriageResponse Of(FeedbackAnalysis analysis, string model) =>
        new(
            null,
            analysis.Category,
            analysis.Severity,
            analysis.Action,
            analysis.Priority,
            analysis.Confidence,
            analysis.Reasoning,
            analysis.NeedsHuman,
            model,
            null
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
        return TriageResponse.Of(await triage.ExecuteAsync(scope, request.ToTask(), request.ToCall(), Random.Shared, cancellationToken));
    }
}
