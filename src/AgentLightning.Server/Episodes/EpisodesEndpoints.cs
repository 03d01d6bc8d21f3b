using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Governance;
using AgentLightning.Retention;
using AgentLightning.Rewards;
using AgentLightning.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Episodes;

/// <summary>Episodes, newest first.</summary>
public sealed record EpisodeListResponse(string? AgentId, int EpisodesFound, IReadOnlyList<EpisodeSummary> Episodes);

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

/// <summary>How many episodes were removed, and how much of each.</summary>
public sealed record EpisodeRemovedResponse(long Removed, RemovalScope Scope);

internal static class EpisodesEndpoints
{
    public static void MapEpisodes(this IEndpointRouteBuilder routes)
    {
        routes
            .MapGet("/episodes", ListAsync)
            .WithSummary("Lists episodes, newest first; 'before' takes the last id of a page and gives the next.")
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

    private static async Task<EpisodeRemovedResponse> DeleteAsync(
        string id,
        DeleteEpisodes episodes,
        Scope agents,
        CancellationToken cancellationToken
    )
    {
        var removed = await episodes.ExecuteAsync(
            agents,
            new EpisodeSelection(Ids: [Ids.Check(id, "id")]),
            RemovalScope.Episode,
            null,
            cancellationToken
        );
        return removed == 0
            ? throw LightningException.NotFound($"Episode {id} not found")
            : new EpisodeRemovedResponse(removed, RemovalScope.Episode);
    }

    private static async Task<EpisodeRemovedResponse> DeleteManyAsync(
        DeleteEpisodes episodes,
        Scope agents,
        CancellationToken cancellationToken,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        [FromQuery(Name = "session_id")] string? sessionId = null,
        [FromQuery(Name = "user_id")] string? userId = null,
        [FromQuery(Name = "older_than")] string? olderThan = null,
        string? scope = null
    )
    {
        var what = scope is null ? RemovalScope.Episode : EnumText.Parse<RemovalScope>(scope, "scope");
        var selection = new EpisodeSelection(
            agentId,
            SessionId: sessionId,
            UserId: userId,
            OlderThan: IsoTime.Start(olderThan, "older_than")
        );
        return new EpisodeRemovedResponse(await episodes.ExecuteAsync(agents, selection, what, null, cancellationToken), what);
    }

    private static async Task<EpisodeListResponse> ListAsync(
        IEpisodeStore episodes,
        Scope scope,
        Redactor redactor,
        CancellationToken cancellationToken,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        int limit = 20,
        [FromQuery(Name = "start_date")] string? startDate = null,
        [FromQuery(Name = "end_date")] string? endDate = null,
        string? before = null,
        [FromQuery(Name = "session_id")] string? sessionId = null,
        [FromQuery(Name = "user_id")] string? userId = null
    )
    {
        var query = new EpisodeQuery(
            scope.Named(agentId),
            IsoTime.Start(startDate, "start_date"),
            IsoTime.End(endDate, "end_date"),
            limit,
            before,
            sessionId,
            userId,
            scope.Agents
        );
        var found = await episodes.ListAsync(query.AsStored(redactor), cancellationToken);
        return new EpisodeListResponse(agentId, found.Count, found);
    }

    private static async Task<EpisodeResponse> GetAsync(
        string id,
        IEpisodeStore episodes,
        IRewardStore rewards,
        Scope scope,
        CancellationToken cancellationToken
    )
    {
        var e = await scope.EpisodeAsync(episodes, Ids.Check(id, "id"), cancellationToken);
        return EpisodeResponse.Of(e, await rewards.HistoryAsync(id, cancellationToken));
    }
}
