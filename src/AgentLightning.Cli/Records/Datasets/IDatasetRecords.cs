using AgentLightning.Datasets;
using AgentLightning.Deployments;
using AgentLightning.Server.Datasets;

namespace AgentLightning.Cli.Records.Datasets;

/// <summary>What is learned from.</summary>
internal interface IDatasetRecords
{
    Task<BuiltDatasetResponse> BuildAsync(DatasetBody body, CancellationToken cancellationToken);

    Task<DatasetPreview> PreviewAsync(DatasetBody body, CancellationToken cancellationToken);

    Task<GoldenDatasetResponse> BuildGoldenAsync(GoldenInput input, Stream lines, CancellationToken cancellationToken);

    Task<DatasetListResponse> ListAsync(string? agentId, int limit, string? before, CancellationToken cancellationToken);

    IAsyncEnumerable<string> ExportAsync(string id, DatasetFormat format, DatasetSide? side, CancellationToken cancellationToken);

    /// <summary>Which data sets and models learned from it.</summary>
    Task<DataUse> UseAsync(DataUseQuery query, CancellationToken cancellationToken);
}
