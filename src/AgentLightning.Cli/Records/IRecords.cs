using AgentLightning.Capture;
using AgentLightning.Episodes;
using AgentLightning.Feedback;
using AgentLightning.Monitoring;
using AgentLightning.Retention;
using AgentLightning.Rewards;
using AgentLightning.Server.Episodes;
using AgentLightning.Server.Feedback;
using AgentLightning.Server.Rewards;

namespace AgentLightning.Cli.Records;

/// <summary>The records that commands read and change, in a store on this machine's disk or network, or behind a server.</summary>
internal interface IRecords : IAsyncDisposable
{
    Task<EpisodeListResponse> ListAsync(EpisodeQuery query, CancellationToken cancellationToken);

    Task<EpisodeResponse> GetAsync(string id, CancellationToken cancellationToken);

    Task<EpisodesRemoved> RemoveAsync(
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
}
