using AgentLightning.Access;
using AgentLightning.Feedback;
using AgentLightning.Monitoring;
using AgentLightning.Retention;
using AgentLightning.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Feedback;

/// <summary>The newest feedback.</summary>
public sealed record RecentFeedbackResponse(int Count, IReadOnlyList<FeedbackItem> Feedback, DateTimeOffset Timestamp);

/// <summary>How many interactions of an agent were deleted.</summary>
public sealed record ClearedResponse(string AgentName, long Deleted);

/// <summary>The figures of chat agents under the addresses and names that their dashboards know. Rewards are on the scale 0…1.</summary>
internal static class ChatAdminEndpoints
{
    public static void MapChatAdmin(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/api/v1/admin/agent-lightning").RequiresRole(Role.Read);
        group.MapGet("/stats", StatsAsync).WithSummary("How many interactions an agent had, and their average, least and greatest reward.");
        group
            .MapGet("/feedback/stats", FeedbackStatsAsync)
            .WithSummary("Feedback of the last days by type and by day.")
            .ProducesProblem(StatusCodes.Status400BadRequest);
        group.MapGet("/feedback/recent", RecentAsync).WithSummary("The newest feedback.").ProducesProblem(StatusCodes.Status400BadRequest);
        group
            .MapPost("/clear", ClearAsync)
            .WithSummary("Deletes every interaction of an agent, with its rewards and feedback.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .RequiresRole(Role.Admin);
        group
            .MapGet("/dashboard", DashboardAsync)
            .WithSummary("Interactions, feedback of seven days, and how far both are from their goals.");
    }

    private static Task<InteractionStatistics> StatsAsync(
        GetDashboard dashboard,
        Scope scope,
        [FromQuery(Name = "agent_name")] string? agentName = null,
        CancellationToken cancellationToken = default
    ) => dashboard.InteractionsAsync(scope, agentName, cancellationToken);

    private static Task<FeedbackStatistics> FeedbackStatsAsync(
        GetDashboard dashboard,
        Scope scope,
        [FromQuery(Name = "agent_name")] string? agentName = null,
        int days = 7,
        CancellationToken cancellationToken = default
    ) => dashboard.FeedbackAsync(scope, agentName, days, cancellationToken);

    private static async Task<ClearedResponse> ClearAsync(
        DeleteEpisodes episodes,
        Scope scope,
        [FromQuery(Name = "agent_name")] string? agentName = null,
        CancellationToken cancellationToken = default
    ) => new(agentName!, (await episodes.ClearAsync(scope, agentName, cancellationToken)).Removed);

    private static async Task<RecentFeedbackResponse> RecentAsync(
        ListFeedback feedback,
        Scope scope,
        [FromQuery(Name = "agent_name")] string? agentName = null,
        int limit = 20,
        CancellationToken cancellationToken = default
    )
    {
        var recent = await feedback.RecentAsync(scope, agentName, limit, cancellationToken);
        return new RecentFeedbackResponse(recent.Feedback.Count, [.. recent.Feedback.Select(FeedbackItem.Of)], recent.Timestamp);
    }

    private static Task<ChatDashboard> DashboardAsync(
        GetDashboard dashboard,
        Scope scope,
        [FromQuery(Name = "agent_name")] string? agentName = null,
        CancellationToken cancellationToken = default
    ) => dashboard.DashboardAsync(scope, agentName, cancellationToken);
}
