using AgentLightning.Access;
using AgentLightning.Capture;
using AgentLightning.Cli.Commands;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Feedback;
using AgentLightning.Monitoring;
using AgentLightning.Retention;
using AgentLightning.Rewards;
using AgentLightning.Server.Episodes;
using AgentLightning.Server.Feedback;
using AgentLightning.Server.Rewards;

namespace AgentLightning.Cli.Records;

/// <summary>Records straight from a store, which its user owns.</summary>
internal sealed class StoreRecords(Workspace workspace) : IRecords
{
    private static readonly Scope s_scope = Scope.Owner("cli");

    public async Task<EpisodeListResponse> ListAsync(EpisodeQuery query, CancellationToken cancellationToken) =>
        EpisodeListResponse.Of(query.AgentId, await workspace.Get<ListEpisodes>().ListAsync(s_scope, query, cancellationToken));

    public async Task<EpisodeResponse> GetAsync(string id, CancellationToken cancellationToken) =>
        EpisodeResponse.Of(
            await workspace.Get<GetEpisode>().ReadAsync(s_scope, id, cancellationToken),
            await workspace.Get<ListRewards>().OfEpisodeAsync(s_scope, id, cancellationToken)
        );

    public Task<EpisodesRemoved> RemoveAsync(
        EpisodeSelection selection,
        RemovalScope scope,
        IProgress<long> progress,
        CancellationToken cancellationToken
    ) => workspace.Get<DeleteEpisodes>().DeleteManyAsync(s_scope, selection, EnumText.Of(scope), progress, cancellationToken);

    public IAsyncEnumerable<string> ExportAsync(EpisodeQuery query, CancellationToken cancellationToken) =>
        workspace.Get<ExportEpisodes>().ReadAsync(s_scope, query, cancellationToken);

    public Task<CaptureOutcome> ImportAsync(Stream lines, CancellationToken cancellationToken) =>
        workspace.Get<CaptureBatch>().AddAsync(s_scope, lines, cancellationToken);

    public async Task<RewardResponse> AssignAsync(RewardInput reward, CancellationToken cancellationToken) =>
        RewardResponse.Of((await workspace.Get<AssignReward>().AssignAsync(s_scope, reward.ToRequest(), cancellationToken)).Reward);

    public async Task<RewardListResponse> ListRewardsAsync(RewardQuery query, CancellationToken cancellationToken) =>
        RewardListResponse.Of(
            query.AgentId,
            query.EpisodeId,
            await workspace.Get<ListRewards>().ListAsync(s_scope, query, cancellationToken)
        );

    public async Task<ChatFeedbackResponse> GiveAsync(ChatFeedbackBody feedback, string? user, CancellationToken cancellationToken) =>
        ChatFeedbackResponse.Of(await workspace.Get<GiveFeedback>().GiveAsync(s_scope, feedback.ToRequest(user), cancellationToken));

    public async Task<FeedbackListResponse> ListFeedbackAsync(FeedbackQuery query, CancellationToken cancellationToken) =>
        FeedbackListResponse.Of(query.AgentId, await workspace.Get<ListFeedback>().ListAsync(s_scope, query, cancellationToken));

    public Task<FeedbackStatistics> FeedbackStatsAsync(string? agentId, int days, CancellationToken cancellationToken) =>
        workspace.Get<GetDashboard>().FeedbackAsync(s_scope, agentId, days, cancellationToken);

    public Task<AgentStats> StatsAsync(string agentId, CancellationToken cancellationToken) =>
        workspace.Get<GetStats>().ReadAsync(s_scope, agentId, cancellationToken);

    public ValueTask DisposeAsync() => workspace.DisposeAsync();
}
