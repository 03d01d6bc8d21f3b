using AgentLightning.Access;
using AgentLightning.Capture;
using AgentLightning.Cli.Commands;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Retention;
using AgentLightning.Rewards;
using AgentLightning.Server.Episodes;

namespace AgentLightning.Cli.Records.Episodes;

internal sealed class StoreEpisodeRecords(Workspace workspace, Scope scope) : IEpisodeRecords
{
    public async Task<EpisodeListResponse> ListAsync(EpisodeQuery query, CancellationToken cancellationToken) =>
        EpisodeListResponse.Of(query.AgentId, await workspace.Get<ListEpisodes>().ListAsync(scope, query, cancellationToken));

    public async Task<EpisodeResponse> GetAsync(string id, CancellationToken cancellationToken) =>
        EpisodeResponse.Of(
            await workspace.Get<GetEpisode>().ReadAsync(scope, id, cancellationToken),
            await workspace.Get<ListRewards>().OfEpisodeAsync(scope, id, cancellationToken)
        );

    public Task<EpisodesRemoved> RemoveAsync(
        EpisodeSelection selection,
        RemovalScope removal,
        IProgress<long> progress,
        CancellationToken cancellationToken
    ) => workspace.Get<DeleteEpisodes>().DeleteManyAsync(scope, selection, EnumText.Of(removal), progress, cancellationToken);

    public IAsyncEnumerable<string> ExportAsync(EpisodeQuery query, CancellationToken cancellationToken) =>
        workspace.Get<ExportEpisodes>().ReadAsync(scope, query, cancellationToken);

    public Task<CaptureOutcome> ImportAsync(Stream lines, CancellationToken cancellationToken) =>
        workspace.Get<CaptureBatch>().AddAsync(scope, lines, cancellationToken);
}
