using System.Net.Http.Json;
using System.Text;
using AgentLightning.Common;
using AgentLightning.Feedback;
using AgentLightning.Monitoring;
using AgentLightning.Server.Feedback;

namespace AgentLightning.Cli.Records.Feedback;

internal sealed class ServerFeedbackRecords(ServerConnection server) : IFeedbackRecords
{
    public async Task<ChatFeedbackResponse> GiveAsync(ChatFeedbackBody feedback, string? user, CancellationToken cancellationToken)
    {
        using var content = JsonContent.Create(feedback, options: LightningJson.Options);
        if (user is not null)
        {
            // What no header can hold would be refused with words for programmers.
            content.Headers.Add(
                FeedbackEndpoints.UserHeader,
                Ascii.IsValid(Ids.Check(user, "--user"))
                    ? user
                    : throw LightningException.Invalid(
                        $"--user must be of ASCII letters, digits and signs where a server is asked, but it is '{user}'."
                    )
            );
        }

        return await server.PostContentAsync<ChatFeedbackResponse>("/api/v1/chat/feedback", content, cancellationToken);
    }

    public Task<FeedbackListResponse> ListAsync(FeedbackQuery query, CancellationToken cancellationToken)
    {
        var parts = ServerQuery.Of(("agent_id", query.AgentId), ("episode_id", query.EpisodeId), ("before", query.Before));
        return server.GetAsync<FeedbackListResponse>($"feedback?{parts}&limit={query.Limit}", cancellationToken);
    }

    public Task<FeedbackStatistics> CountAsync(string? agentId, int days, CancellationToken cancellationToken) =>
        server.GetAsync<FeedbackStatistics>(
            $"/api/v1/admin/agent-lightning/feedback/stats?{ServerQuery.Of(("agent_name", agentId))}&days={days}",
            cancellationToken
        );
}
