using AgentLightning.Capture;
using AgentLightning.Cli.Commands;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Feedback;
using AgentLightning.Governance;
using AgentLightning.Monitoring;
using AgentLightning.Retention;
using AgentLightning.Rewards;
using AgentLightning.Server.Episodes;
using AgentLightning.Server.Feedback;
using AgentLightning.Server.Rewards;
using AgentLightning.Stats;
using AgentLightning.Triage;

namespace AgentLightning.Cli.Records;

/// <summary>Records straight from a store.</summary>
internal sealed class StoreRecords(Workspace workspace) : IRecords
{
    public async Task<EpisodeListResponse> ListAsync(EpisodeQuery query, CancellationToken cancellationToken)
    {
        var episodes = await workspace.Get<IEpisodeStore>().ListAsync(query.AsStored(workspace.Get<Redactor>()), cancellationToken);
        return new EpisodeListResponse(query.AgentId, episodes.Count, episodes);
    }

    public async Task<EpisodeResponse> GetAsync(string id, CancellationToken cancellationToken)
    {
        var episode = await workspace.Get<IEpisodeStore>().FindAsync(Ids.Check(id, "id"), cancellationToken)
            ?? throw LightningException.NotFound($"Episode {id} not found");
        return EpisodeResponse.Of(episode, await workspace.Get<IRewardStore>().HistoryAsync(id, cancellationToken));
    }

    public async Task<EpisodeRemovedResponse> RemoveAsync(
        EpisodeSelection selection,
        RemovalScope scope,
        IProgress<long> progress,
        CancellationToken cancellationToken
    ) => new(await workspace.Get<DeleteEpisodes>().RemoveAsync(selection, scope, "cli", progress, cancellationToken), scope);

    public IAsyncEnumerable<string> ExportAsync(EpisodeQuery query, CancellationToken cancellationToken) =>
        workspace.Get<EpisodeExport>().ReadAsync(query, cancellationToken);

    public Task<CaptureOutcome> ImportAsync(Stream lines, CancellationToken cancellationToken) =>
        workspace.Get<CaptureService>().AddBatchAsync(lines, _ => true, cancellationToken);

    public async Task<RewardResponse> AssignAsync(RewardInput reward, CancellationToken cancellationToken)
    {
        var given = await workspace.Get<RewardService>().AssignAsync(reward.ToRequest(), cancellationToken);
        return RewardResponse.Of(given);
    }

    public async Task<RewardListResponse> ListRewardsAsync(RewardQuery query, CancellationToken cancellationToken)
    {
        var rewards = await workspace.Get<IRewardStore>().ListAsync(query, cancellationToken);
        return new RewardListResponse(query.AgentId, query.EpisodeId, rewards.Count, rewards);
    }

    public async Task<ChatFeedbackResponse> GiveAsync(ChatFeedbackBody feedback, string? user, CancellationToken cancellationToken) =>
        ChatFeedbackResponse.Of(await workspace.Get<FeedbackService>().GiveAsync(feedback.ToRequest(user), _ => true, cancellationToken));

    public async Task<FeedbackListResponse> ListFeedbackAsync(FeedbackQuery query, CancellationToken cancellationToken)
    {
        var feedback = await workspace.Get<IFeedbackStore>().ListAsync(query, cancellationToken);
        return new FeedbackListResponse(query.AgentId, feedback.Count, [.. feedback.Select(FeedbackItem.Of)]);
    }

    public Task<FeedbackStatistics> FeedbackStatsAsync(string? agentId, int days, CancellationToken cancellationToken) =>
        workspace.Get<ChatStatistics>().FeedbackAsync(agentId, days, cancellationToken);

    public Task<AgentStats> StatsAsync(string agentId, CancellationToken cancellationToken) =>
        workspace.Get<StatsReader>().ReadAsync(agentId, RuleTriagePolicy.PolicyName, cancellationToken);

    public ValueTask DisposeAsync() => workspace.DisposeAsync();
}
