using AgentLightning.Access;
using AgentLightning.Capture;
using AgentLightning.Cli.Commands;
using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Episodes;
using AgentLightning.Feedback;
using AgentLightning.Monitoring;
using AgentLightning.Retention;
using AgentLightning.Rewards;
using AgentLightning.Server.Access;
using AgentLightning.Server.Audit;
using AgentLightning.Server.Deployments;
using AgentLightning.Server.Episodes;
using AgentLightning.Server.Feedback;
using AgentLightning.Server.Health;
using AgentLightning.Server.Rewards;
using AgentLightning.Server.Triage;
using AgentLightning.Storage;
using AgentLightning.Traces;
using AgentLightning.Triage;

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

    public async Task<TriageResponse> TriageAsync(TriageRequest feedback, CancellationToken cancellationToken) =>
        TriageResponse.Of(
            await workspace
                .Get<TriageFeedback>()
                .ExecuteAsync(s_scope, feedback.ToTask(), feedback.ToCall(), Random.Shared, cancellationToken)
        );

    public async Task<DeploymentItem> PromoteAsync(PromoteBody run, CancellationToken cancellationToken) =>
        DeploymentItem.Of(await workspace.Get<Promote>().ExecuteAsync(s_scope, run.ToRequest(), cancellationToken));

    public async Task<DeploymentItem> RollbackAsync(RollbackBody release, CancellationToken cancellationToken) =>
        DeploymentItem.Of(await workspace.Get<Rollback>().ExecuteAsync(s_scope, release.ToRequest(), cancellationToken));

    public async Task<LineageResponse> LineageAsync(string agentId, CancellationToken cancellationToken)
    {
        var (agent, entries) = await workspace.Get<GetLineage>().ExecuteAsync(s_scope, agentId, cancellationToken);
        return new LineageResponse(agent, entries);
    }

    public async Task<CreatedKeyResponse> CreateKeyAsync(CreateKeyBody key, CancellationToken cancellationToken) =>
        CreatedKeyResponse.Of(await workspace.Get<CreateKey>().ExecuteAsync(s_scope, key.ToRequest(), cancellationToken));

    public async Task<KeyListResponse> ListKeysAsync(CancellationToken cancellationToken)
    {
        var keys = await workspace.Get<ListKeys>().ExecuteAsync(s_scope, cancellationToken);
        return new KeyListResponse(keys.Count, keys);
    }

    public Task<ApiKey> RevokeKeyAsync(string id, CancellationToken cancellationToken) =>
        workspace.Get<RevokeKey>().ExecuteAsync(s_scope, id, cancellationToken);

    public async Task<AuditListResponse> ListAuditAsync(AuditRequest request, CancellationToken cancellationToken)
    {
        var entries = await workspace.Get<ListAuditEntries>().ExecuteAsync(s_scope, request, cancellationToken);
        return AuditListResponse.Of(entries, request.Limit);
    }

    public Task<TraceReport> DiagnoseAsync(CancellationToken cancellationToken) =>
        workspace.Get<TraceDiagnostics>().ReadAsync(cancellationToken);

    public async Task<ReadyResponse> HealthAsync(CancellationToken cancellationToken)
    {
        var (time, options) = (workspace.Get<TimeProvider>(), workspace.Get<LightningOptions>());
        var started = time.GetTimestamp();
        string? wrong = null;
        var keys = true;
        try
        {
            await workspace.Get<StoreCheck>().CheckUsableAsync(cancellationToken);
            keys = await workspace.Get<IApiKeyStore>().AnyAsync(cancellationToken);
        }
        catch (LightningException e)
        {
            wrong = e.Message;
        }

        var status = wrong is null ? "healthy" : "unhealthy";
        return new ReadyResponse(
            status,
            wrong is null,
            options.UsesPostgres ? "postgresql" : "sqlite",
            keys ? "api_key" : "anonymous",
            [new ReadyCheck("store", status, Math.Round(time.GetElapsedTime(started).TotalMilliseconds, 3), wrong)],
            time.GetUtcNow()
        );
    }

    public ValueTask DisposeAsync() => workspace.DisposeAsync();
}
