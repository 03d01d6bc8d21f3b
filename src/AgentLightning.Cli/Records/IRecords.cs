using AgentLightning.Access;
using AgentLightning.Capture;
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
using AgentLightning.Stats;
using AgentLightning.Traces;

namespace AgentLightning.Cli.Records;

/// <summary>
/// The records that commands read and change, in a store on this machine's disk or network, or behind a server: the same answers and the
/// same errors from both.
/// </summary>
internal interface IRecords : IAsyncDisposable
{
    Task<EpisodeListResponse> ListAsync(EpisodeQuery query, CancellationToken cancellationToken);

    Task<EpisodeResponse> GetAsync(string id, CancellationToken cancellationToken);

    Task<EpisodeRemovedResponse> RemoveAsync(
        EpisodeSelection selection,
        RemovalScope scope,
        IProgress<long> progress,
        CancellationToken cancellationToken
    );

    /// <summary>Lines of JSON, as <see cref="ImportAsync"/> takes them.</summary>
    IAsyncEnumerable<string> ExportAsync(EpisodeQuery query, CancellationToken cancellationToken);

    Task<CaptureOutcome> ImportAsync(Stream lines, CancellationToken cancellationToken);

    Task<RewardResponse> AssignAsync(RewardInput reward, CancellationToken cancellationToken);

    Task<RewardListResponse> ListRewardsAsync(RewardQuery query, CancellationToken cancellationToken);

    /// <param name="user">Who gives it; null for somebody who is not known.</param>
    Task<ChatFeedbackResponse> GiveAsync(ChatFeedbackBody feedback, string? user, CancellationToken cancellationToken);

    Task<FeedbackListResponse> ListFeedbackAsync(FeedbackQuery query, CancellationToken cancellationToken);

    Task<FeedbackStatistics> FeedbackStatsAsync(string? agentId, int days, CancellationToken cancellationToken);

    Task<AgentStats> StatsAsync(string agentId, CancellationToken cancellationToken);

    Task<TriageResponse> TriageAsync(TriageRequest feedback, CancellationToken cancellationToken);

    /// <summary>The release that serves now.</summary>
    Task<DeploymentItem> PromoteAsync(PromoteBody run, CancellationToken cancellationToken);

    /// <summary>The release that serves again.</summary>
    Task<DeploymentItem> RollbackAsync(RollbackBody release, CancellationToken cancellationToken);

    Task<LineageResponse> LineageAsync(string agentId, CancellationToken cancellationToken);

    Task<CreatedKeyResponse> CreateKeyAsync(CreateKeyBody key, CancellationToken cancellationToken);

    Task<KeyListResponse> ListKeysAsync(CancellationToken cancellationToken);

    Task<ApiKey> RevokeKeyAsync(string id, CancellationToken cancellationToken);

    Task<AuditListResponse> ListAuditAsync(AuditRequest request, CancellationToken cancellationToken);

    Task<TraceReport> DiagnoseAsync(CancellationToken cancellationToken);

    /// <summary>Whether the place itself works; what is wrong with it is in the answer.</summary>
    Task<ReadyResponse> HealthAsync(CancellationToken cancellationToken);
}
