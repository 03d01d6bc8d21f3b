using System.Globalization;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Deployments;
using AgentLightning.Server.Datasets;

namespace AgentLightning.Cli.Records.Datasets;

internal sealed class ServerDatasetRecords(ServerConnection server) : IDatasetRecords
{
    public Task<BuiltDatasetResponse> BuildAsync(DatasetBody body, CancellationToken cancellationToken) =>
        server.PostAsync<DatasetBody, BuiltDatasetResponse>("datasets", body, cancellationToken);

    public Task<DatasetPreview> PreviewAsync(DatasetBody body, CancellationToken cancellationToken) =>
        server.PostAsync<DatasetBody, DatasetPreview>("datasets/preview", body, cancellationToken);

    public async Task<GoldenDatasetResponse> BuildGoldenAsync(GoldenInput input, Stream lines, CancellationToken cancellationToken)
    {
        using var content = new StreamContent(lines) { Headers = { ContentType = new MediaTypeHeaderValue("application/x-ndjson") } };
        var query = ServerQuery.Of(
            ("agent_id", input.AgentId),
            ("name", input.Name),
            ("description", input.Description),
            ("seed", input.Seed?.ToString(CultureInfo.InvariantCulture)),
            ("train_split", input.TrainSplit?.ToString(CultureInfo.InvariantCulture))
        );
        return await server.PostContentAsync<GoldenDatasetResponse>($"datasets/golden?{query}", content, cancellationToken);
    }

    public Task<DatasetListResponse> ListAsync(string? agentId, int limit, string? before, CancellationToken cancellationToken) =>
        server.GetAsync<DatasetListResponse>(
            $"datasets?{ServerQuery.Of(("agent_id", agentId), ("before", before))}&limit={limit}",
            cancellationToken
        );

    public async IAsyncEnumerable<string> ExportAsync(
        string id,
        DatasetFormat format,
        DatasetSide? side,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var query = ServerQuery.Of(("format", EnumText.Of(format)), ("side", side is { } given ? EnumText.Of(given) : null));
        using var response = await server.OpenAsync(
            $"datasets/{Uri.EscapeDataString(Ids.Check(id, "--dataset-id"))}/export?{query}",
            cancellationToken
        );
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            yield return line;
        }
    }

    public Task<DataUse> UseAsync(DataUseQuery query, CancellationToken cancellationToken) =>
        server.GetAsync<DataUse>(
            $"datasets/lineage?{ServerQuery.Of(
                ("user_id", query.UserId),
                ("session_id", query.SessionId),
                ("episode_id", query.EpisodeId)
            )}",
            cancellationToken
        );
}
