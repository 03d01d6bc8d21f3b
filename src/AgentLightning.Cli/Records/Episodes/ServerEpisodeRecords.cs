using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using AgentLightning.Capture;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Retention;
using AgentLightning.Server.Episodes;

namespace AgentLightning.Cli.Records.Episodes;

internal sealed class ServerEpisodeRecords(ServerConnection server) : IEpisodeRecords
{
    public Task<EpisodeListResponse> ListAsync(EpisodeQuery query, CancellationToken cancellationToken) =>
        server.GetAsync<EpisodeListResponse>($"episodes?{Query(query)}&limit={query.Limit}", cancellationToken);

    public Task<EpisodeResponse> GetAsync(string id, CancellationToken cancellationToken) =>
        server.GetAsync<EpisodeResponse>(PathOf(id), cancellationToken);

    public async Task<EpisodesRemoved> RemoveAsync(
        EpisodeSelection selection,
        RemovalScope removal,
        IProgress<long> progress,
        CancellationToken cancellationToken
    )
    {
        if (selection.Ids is null)
        {
            var query = ServerQuery.Of(
                ("agent_id", selection.AgentId),
                ("session_id", selection.SessionId),
                ("user_id", selection.UserId),
                ("older_than", ServerQuery.Text(selection.OlderThan)),
                ("scope", EnumText.Of(removal))
            );
            return await server.DeleteAsync<EpisodesRemoved>($"episodes?{query}", cancellationToken);
        }

        var removed = new EpisodesRemoved(0, removal);
        foreach (var id in selection.Ids.Select(id => Ids.Check(id, "id")).Distinct().ToList())
        {
            try
            {
                removed = Sum(removed, await server.DeleteAsync<EpisodesRemoved>(PathOf(id), cancellationToken));
            }
            catch (LightningException e) when (e.Kind == ErrorKind.NotFound)
            {
                // As in a store: what is not there is not counted.
            }

            progress.Report(removed.Removed);
        }

        return removed;
    }

    public async IAsyncEnumerable<string> ExportAsync(EpisodeQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var response = await server.OpenAsync($"export?{Query(query)}", cancellationToken);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            yield return line;
        }
    }

    public async Task<CaptureOutcome> ImportAsync(Stream lines, CancellationToken cancellationToken)
    {
        using var content = new StreamContent(lines) { Headers = { ContentType = new MediaTypeHeaderValue("application/x-ndjson") } };
        return await server.PostContentAsync<CaptureOutcome>("capture", content, cancellationToken);
    }

    private static EpisodesRemoved Sum(EpisodesRemoved before, EpisodesRemoved more) =>
        (
            more.DataSets is null
                ? before
                : before with
                {
                    DataSets =
                    [
                        .. (before.DataSets ?? [])
                            .Concat(more.DataSets)
                            .GroupBy(dataset => dataset.DatasetId)
                            .Select(group => group.Last() with { Episodes = group.Sum(dataset => dataset.Episodes) }),
                    ],
                    TrainingRuns = [.. (before.TrainingRuns ?? []).UnionBy(more.TrainingRuns ?? [], run => run.TrainingRunId)],
                    Releases = [.. (before.Releases ?? []).UnionBy(more.Releases ?? [], release => release.DeploymentId)],
                }
        ) with
        {
            Removed = before.Removed + more.Removed,
        };

    private static string PathOf(string id) => $"episodes/{Uri.EscapeDataString(Ids.Check(id, "id"))}";

    private static string Query(EpisodeQuery query) =>
        ServerQuery.Of(
            ("agent_id", query.AgentId),
            ("session_id", query.SessionId),
            ("user_id", query.UserId),
            ("start_date", ServerQuery.Text(query.Start)),
            ("end_date", ServerQuery.Text(query.End)),
            ("before", query.Before)
        );
}
