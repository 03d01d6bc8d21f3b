using System.Runtime.CompilerServices;
using AgentLightning.Access;
using AgentLightning.Cli.Commands;
using AgentLightning.Datasets;
using AgentLightning.Deployments;
using AgentLightning.Server.Datasets;

namespace AgentLightning.Cli.Records.Datasets;

internal sealed class StoreDatasetRecords(Workspace workspace, Scope scope) : IDatasetRecords
{
    public async Task<BuiltDatasetResponse> BuildAsync(DatasetBody body, CancellationToken cancellationToken) =>
        BuiltDatasetResponse.Of(await workspace.Get<BuildDataset>().ExecuteAsync(scope, body.ToInput(), cancellationToken));

    public Task<DatasetPreview> PreviewAsync(DatasetBody body, CancellationToken cancellationToken) =>
        workspace.Get<BuildDataset>().PreviewAsync(scope, body.ToInput(), cancellationToken);

    public async Task<GoldenDatasetResponse> BuildGoldenAsync(GoldenInput input, Stream lines, CancellationToken cancellationToken) =>
        GoldenDatasetResponse.Of(await workspace.Get<BuildGolden>().ExecuteAsync(scope, input, lines, cancellationToken));

    public async Task<DatasetListResponse> ListAsync(string? agentId, int limit, string? before, CancellationToken cancellationToken) =>
        DatasetListResponse.Of(agentId, await workspace.Get<ListDatasets>().ListAsync(scope, agentId, limit, before, cancellationToken));

    public async IAsyncEnumerable<string> ExportAsync(
        string id,
        DatasetFormat format,
        DatasetSide? side,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        await foreach (var line in await workspace.Get<ExportDataset>().ReadAsync(scope, id, format, side, cancellationToken))
        {
            yield return line;
        }
    }

    public Task<DataUse> UseAsync(DataUseQuery query, CancellationToken cancellationToken) =>
        workspace.Get<FindDataUse>().ExecuteAsync(scope, query, cancellationToken);
}
