using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Retention;
using AgentLightning.Rewards;
using AgentLightning.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Episodes;

/// <summary>Episodes, newest first.</summary>
public sealed record EpisodeListResponse(string? AgentId, int EpisodesFound, IReadOnlyList<EpisodeSummary> Episodes)
{
    public static EpisodeListResponse Of(string? agentId, ListPage<EpisodeSummary> page) => new(agentId, page.Items.Count, page.Items);
}

/// <summary>One episode with every reward it ever got.</summary>
public sealed record EpisodeResponse(
    string Id,
    string AgentId,
    string UserInput,
    string AssistantOutput,
    IReadOnlyList<EpisodeToolCall> ToolCalls,
    IReadOnlyList<EpisodeMessage> Messages,
    string? ModelDeployment,
    string? DeploymentId,
    string? TrainingRunId,
    string? CorrelationId,
    string? SessionId,
    string? UserId,
    string? MessageId,
    string? TraceId,
    string? Intent,
    string? Persona,
    double RequestLatencyMs,
    double? TimeToFirstTokenMs,
    TokenUsage? TokenUsage,
    EpisodeTokens? Tokens,
    IReadOnlyList<string> Tags,
    IReadOnlyDictionary<string, string>? Metadata,
    EpisodeStatus Status,
    string? Error,
    string? Action,
    double? ActionLogProbability,
    bool Internal,
    bool PayloadRemoved,
    DateTimeOffset CreatedAt,
    IReadOnlyList<Reward> Rewards
)
{
    public static EpisodeResponse Of(Episode e, IReadOnlyList<Reward> rewards) =>
        new(
            e.Id,
            e.AgentId,
            e.UserInput,
            e.AssistantOutput,
            e.ToolCalls,
            e.Messages,
            e.ModelDeployment,
            e.DeploymentId,
            e.TrainingRunId,
            e.CorrelationId,
            e.SessionId,
            e.UserId,
            e.MessageId,
            e.TraceId,
            e.Intent,
            e.Persona,
            e.RequestLatencyMs,
            e.TimeToFirstTokenMs,
            e.TokenUsage,
            e.Tokens,
            e.Tags,
            e.Metadata,
            e.Status,
            e.Error,
            e.Action,
            e.ActionLogProbability,
            e.Internal,
            e.PayloadRemoved,
            e.CreatedAt,
            rewards
        );
}

internal static class EpisodesEndpoints
{
    public static void MapEpisodes(this IEndpointRouteBuilder routes)
    {
        routes
            .MapGet("/episodes", ListAsync)
            .WithSummary(
                "Lists episodes, newest first; 'before' takes the id of an episode and gives what follows; the header Link names the next "
                    + "page."
            )
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Read);
        routes
            .MapGet("/episodes/{id}", GetAsync)
            .WithSummary("One episode, whole, with its rewards.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Read);
        routes
            .MapDelete("/episodes/{id}", DeleteAsync)
            .WithSummary("Deletes an episode with its rewards, feedback and spans.")
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Admin);
        routes
            .MapDelete("/episodes", DeleteManyAsync)
            .WithSummary(
                "Deletes the episodes of an agent, a session, a user or an age, or with scope=payload only their texts. What is given "
                    + "holds together."
            )
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .RequiresRole(Role.Admin);
    }

    private static Task<EpisodesRemoved> DeleteAsync(
        string id,
        DeleteEpisodes episodes,
        Scope agents,
        CancellationToken cancellationToken
    ) => episodes.DeleteAsync(agents, id, cancellationToken);

    private static Task<EpisodesRemoved> DeleteManyAsync(
        DeleteEpisodes episodes,
        Scope agents,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        [FromQuery(Name = "session_id")] string? sessionId = null,
        [FromQuery(Name = "user_id")] string? userId = null,
        [FromQuery(Name = "older_than")] string? olderThan = null,
        string? scope = null,
        CancellationToken cancellationToken = default
    ) =>
        episodes.DeleteManyAsync(
            agents,
            new EpisodeSelection(agentId, SessionId: sessionId, UserId: userId, OlderThan: IsoTime.Start(olderThan, "older_than")),
            scope,
            null,
            cancellationToken
        );

    private static async Task<EpisodeListResponse> ListAsync(
        ListEpisodes episodes,
        HttpResponse response,
        Scope scope,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        int limit = 20,
        [FromQuery(Name = "start_date")] string? startDate = null,
        [FromQuery(Name = "end_date")] string? endDate = null,
        string? before = null,
        [FromQuery(Name = "session_id")] string? sessionId = null,
        [FromQuery(Name = "user_id")] string? userId = null,
        CancellationToken cancellationToken = default
    )
    {
        var page = await episodes.ListAsync(
            scope,
            new EpisodeQuery(
                agentId,
                IsoTime.Start(startDate, "start_date"),
                IsoTime.End(endDate, "end_date"),
                limit,
                before,
                sessionId,
                userId
            ),
            cancellationToken
        );
        response.LinkNext(page.Next);
        return EpisodeListResponse.Of(agentId, page);
    }

    private static async Task<EpisodeResponse> GetAsync(
        string id,
        GetEpisode episodes,
        ListRewards rewards,
        Scope scope,
        CancellationToken cancellationToken
    ) =>
        EpisodeResponse.Of(
            await episodes.ReadAsync(scope, id, cancellationToken),
            await rewards.OfEpisodeAsync(scope, id, cancellationToken)
        );
}
