using AgentLightning.Capture;
using AgentLightning.Episodes;
using AgentLightning.Retention;
using AgentLightning.Server.Episodes;

namespace AgentLightning.Cli.Records.Episodes;

/// <summary>What was captured.</summary>
internal interface IEpisodeRecords
{
    Task<EpisodeListResponse> ListAsync(EpisodeQuery query, CancellationToken cancellationToken);

    Task<EpisodeResponse> GetAsync(string id, CancellationToken cancellationToken);

    Task<EpisodesRemoved> RemoveAsync(
        EpisodeSelection selection,
        RemovalScope removal,
        IProgress<long> progress,
        CancellationToken cancellationToken
    );

    /// <summary>Lines of JSON, as <see cref="ImportAsync"/> takes them.</summary>
    IAsyncEnumerable<string> ExportAsync(EpisodeQuery query, CancellationToken cancellationToken);

    Task<CaptureOutcome> ImportAsync(Stream lines, CancellationToken cancellationToken);
}
