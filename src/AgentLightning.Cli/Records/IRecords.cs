using AgentLightning.Capture;
using AgentLightning.Episodes;
using AgentLightning.Retention;
using AgentLightning.Server.Episodes;
using AgentLightning.Server.Rewards;
using AgentLightning.Stats;

namespace AgentLightning.Cli.Records;

/// <summary>The records that commands read and change, in a store on this machine's disk or network, or behind a server.</summary>
internal interface IRecords : IAsyncDisposable
{
    Task<EpisodeListResponse> ListAsync(EpisodeQuery query, CancellationToken cancellationToken);

    Task<EpisodeResponse> GetAsync(string id, CancellationToken cancellationToken);

    Task<EpisodeRemovedResponse> RemoveAsync(EpisodeSelection selection, RemovalScope scope, IProgress<long> progress, CancellationToken cancellationToken);

    /// <summary>Lines of JSON, as <see cref="ImportAsync"/> takes them.</summary>
    IAsyncEnumerable<string> ExportAsync(EpisodeQuery query, CancellationToken cancellationToken);

    Task<CaptureOutcome> ImportAsync(Stream lines, CancellationToken cancellationToken);

    Task<RewardResponse> AssignAsync(RewardBody reward, CancellationToken cancellationToken);

    Task<AgentStats> StatsAsync(string agentId, CancellationToken cancellationToken);
}
