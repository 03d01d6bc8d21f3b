using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;
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
    string Id, string AgentId, string UserInput, string AssistantOutput, IReadOnlyList<EpisodeToolCall> ToolCalls, IReadOnlyList<EpisodeMessage> Messages,
    string? ModelDeployment, string? DeploymentId, string? TrainingRunId, string? CorrelationId, string? SessionId, string? UserId, string? MessageId, string? TraceId,
    string? Intent, string? Persona, double RequestLatencyMs, double? TimeToFirstTokenMs, TokenUsage? TokenUsage, EpisodeTokens? Tokens, IReadOnlyList<string> Tags,
    IReadOnlyDictionary<string, string>? Metadata, EpisodeStatus Status, string? Error, string? Action, double? ActionLogProbability, bool Internal, bool PayloadRemoved,
    DateTimeOffset CreatedAt, IReadOnlyList<Reward> Rewards)
{
    internal static EpisodeResponse Of(Episode e, IReadOnlyList<Reward> rewards) => new(
        e.Id, e.AgentId, e.UserInput, e.AssistantOutput, e.ToolCalls, e.Messages, e.ModelDeployment, e.DeploymentId, e.TrainingRunId, e.CorrelationId, e.SessionId,
        e.UserId, e.MessageId, e.TraceId, e.Intent, e.Persona, e.RequestLatencyMs, e.TimeToFirstTokenMs, e.TokenUsage, e.Tokens, e.Tags, e.Metadata, e.Status, e.Error,
        e.Action, e.ActionLogProbability, e.Internal, e.PayloadRemoved, e.CreatedAt, rewards);
}

internal static class EpisodesEndpoints
{
    public static void MapEpisodes(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/episodes", ListAsync)
            .WithSummary("Lists episodes, newest first; 'before' takes the last id of a page and gives the next.")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound).RequiresRole(Role.Read);
        routes.MapGet("/episodes/{id}", GetAsync)
            .WithSummary("One episode, whole, with its rewards.").ProducesProblem(StatusCodes.Status404NotFound).RequiresRole(Role.Read);
    }

    private static async Task<EpisodeListResponse> ListAsync(
        IEpisodeStore episodes, AgentScope scope, CancellationToken cancellationToken, [FromQuery(Name = "agent_id")] string? agentId = null, int limit = 20, [FromQuery(Name = "start_date")] DateTimeOffset? startDate = null, [FromQuery(Name = "end_date")] DateTimeOffset? endDate = null, string? before = null)
    {
        var found = await episodes.ListAsync(new EpisodeQuery(scope.Named(agentId), startDate, endDate, limit, before, scope.Agents), cancellationToken);
        return new EpisodeListResponse(agentId, found.Count, found);
    }

    private static async Task<EpisodeResponse> GetAsync(string id, IEpisodeStore episodes, IRewardStore rewards, AgentScope scope, CancellationToken cancellationToken)
    {
        var e = await scope.EpisodeAsync(episodes, Ids.Check(id, "id"), cancellationToken);
        return EpisodeResponse.Of(e, await rewards.HistoryAsync(id, cancellationToken));
    }
}
