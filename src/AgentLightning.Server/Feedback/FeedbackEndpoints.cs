using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Feedback;
using AgentLightning.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Feedback;

/// <summary>What a person did or said about a message.</summary>
/// <param name="MessageId">
/// The message: the message_id of an episode, such as the id of a response, or the id of an episode; required.
/// </param>
/// <param name="FeedbackType">thumbs_up, thumbs_down, rating_1 to rating_5, regenerate, copy or follow_up; required.</param>
/// <param name="Rating">1 to 5 stars.</param>
/// <param name="Comment">At most 1,000 characters.</param>
/// <param name="FeedbackId">The client's own id; the same id twice is one record.</param>
/// <param name="AgentId">Looks only at messages of this agent.</param>
public sealed record ChatFeedbackBody(
    string? MessageId,
    string? FeedbackType,
    int? Rating,
    string? Comment,
    bool? Helpful,
    bool? Accurate,
    bool? Complete,
    string? FeedbackId,
    string? AgentId
)
{
    /// <param name="user">Who gives it; null or empty for somebody who is not known.</param>
    public FeedbackRequest ToRequest(string? user) =>
        new(
            MessageId,
            FeedbackType,
            Rating,
            Comment,
            Helpful,
            Accurate,
            Complete,
            string.IsNullOrEmpty(user) ? null : user,
            FeedbackId,
            AgentId
        );
}

/// <summary>The stored feedback and the reward computed from it, 0…1.</summary>
public sealed record ChatFeedbackResponse(
    string FeedbackId,
    string MessageId,
    string FeedbackType,
    double RewardScore,
    DateTimeOffset CreatedAt
)
{
    public static ChatFeedbackResponse Of(MessageFeedback f) => new(f.Id, f.MessageId, f.FeedbackType, f.RewardScore, f.CreatedAt);
}

/// <summary>Feedback as lists show it.</summary>
public sealed record FeedbackItem(
    string FeedbackId,
    string MessageId,
    string EpisodeId,
    string AgentId,
    string? ConversationId,
    string? UserId,
    string FeedbackType,
    int? Rating,
    bool? Helpful,
    bool? Accurate,
    bool? Complete,
    string? Comment,
    double RewardScore,
    bool IsCurrent,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt
)
{
    public static FeedbackItem Of(MessageFeedback f) =>
        new(
            f.Id,
            f.MessageId,
            f.EpisodeId,
            f.AgentId,
            f.SessionId,
            f.UserId,
            f.FeedbackType,
            f.Rating,
            f.Helpful,
            f.Accurate,
            f.Complete,
            f.Comment,
            f.RewardScore,
            f.IsCurrent,
            f.CreatedAt,
            f.UpdatedAt
        );
}

/// <summary>Feedback with its history, newest first.</summary>
public sealed record FeedbackListResponse(string? AgentId, int FeedbackFound, IReadOnlyList<FeedbackItem> Feedback)
{
    public static FeedbackListResponse Of(string? agentId, ListPage<MessageFeedback> page) =>
        new(agentId, page.Items.Count, [.. page.Items.Select(FeedbackItem.Of)]);
}

public static class FeedbackEndpoints
{
    /// <summary>Names the user on whose behalf a request is made; without it the user is not known.</summary>
    public const string UserHeader = "X-Lightning-User";

    public static void MapFeedback(this IEndpointRouteBuilder routes)
    {
        routes
            .MapPost("/api/v1/chat/feedback", GiveAsync)
            .WithSummary(
                "Takes feedback on a message and rewards its episode. Later feedback of the same user supersedes; all of it is kept."
            )
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .RequiresRole(Role.Write);
        routes
            .MapGet("/api/lightning/feedback", ListAsync)
            .WithSummary(
                "Lists feedback with its history, newest first; 'before' takes the id of feedback; the header Link names the next page."
            )
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Read);
    }

    private static async Task<ChatFeedbackResponse> GiveAsync(
        ChatFeedbackBody body,
        GiveFeedback feedback,
        Scope scope,
        [FromHeader(Name = UserHeader)] string? user = null,
        CancellationToken cancellationToken = default
    ) => ChatFeedbackResponse.Of(await feedback.GiveAsync(scope, body.ToRequest(user), cancellationToken));

    private static async Task<FeedbackListResponse> ListAsync(
        ListFeedback feedback,
        HttpResponse response,
        Scope scope,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        [FromQuery(Name = "episode_id")] string? episodeId = null,
        int limit = 20,
        string? before = null,
        CancellationToken cancellationToken = default
    )
    {
        var page = await feedback.ListAsync(scope, new FeedbackQuery(agentId, episodeId, limit, before), cancellationToken);
        response.LinkNext(page.Next);
        return FeedbackListResponse.Of(agentId, page);
    }
}
