using AgentLightning.Access;
using AgentLightning.Cli.Commands;
using AgentLightning.Feedback;
using AgentLightning.Monitoring;
using AgentLightning.Server.Feedback;

namespace AgentLightning.Cli.Records.Feedback;

internal sealed class StoreFeedbackRecords(Workspace workspace, Scope scope) : IFeedbackRecords
{
    public async Task<ChatFeedbackResponse> GiveAsync(ChatFeedbackBody feedback, string? user, CancellationToken cancellationToken) =>
        ChatFeedbackResponse.Of(await workspace.Get<GiveFeedback>().GiveAsync(scope, feedback.ToRequest(user), cancellationToken));

    public async Task<FeedbackListResponse> ListAsync(FeedbackQuery query, CancellationToken cancellationToken) =>
        FeedbackListResponse.Of(query.AgentId, await workspace.Get<ListFeedback>().ListAsync(scope, query, cancellationToken));

    public Task<FeedbackStatistics> CountAsync(string? agentId, int days, CancellationToken cancellationToken) =>
        workspace.Get<GetDashboard>().FeedbackAsync(scope, agentId, days, cancellationToken);
}
