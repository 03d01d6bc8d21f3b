using AgentLightning.Feedback;
using AgentLightning.Monitoring;
using AgentLightning.Server.Feedback;

namespace AgentLightning.Cli.Records.Feedback;

/// <summary>What people did or said about messages.</summary>
internal interface IFeedbackRecords
{
    /// <param name="user">Who gives it; null for somebody who is not known.</param>
    Task<ChatFeedbackResponse> GiveAsync(ChatFeedbackBody feedback, string? user, CancellationToken cancellationToken);

    Task<FeedbackListResponse> ListAsync(FeedbackQuery query, CancellationToken cancellationToken);

    Task<FeedbackStatistics> CountAsync(string? agentId, int days, CancellationToken cancellationToken);
}
