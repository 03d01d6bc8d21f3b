using AgentLightning.Datasets;

namespace AgentLightning.Evaluation;

/// <summary>Reads the held-out rows of a data set of any kind as items.</summary>
internal static class HeldOutItems
{
    public static async Task<List<EvaluationItem>> ReadAsync(DatasetReader reader, Dataset dataset, CancellationToken cancellationToken) =>
        dataset.Kind switch
        {
            DatasetKind.Classification => await ReadAsync<DatasetExample>(
                    reader,
                    dataset,
                    row => row.Side == DatasetSide.Validation ? Of(row) : null,
                    cancellationToken
                )
                .ConfigureAwait(false),
            DatasetKind.Chat => await ReadAsync<ChatRow>(
                    reader,
                    dataset,
                    row => row.Side == DatasetSide.Validation ? Of(row) : null,
                    cancellationToken
                )
                .ConfigureAwait(false),
            DatasetKind.Preference => await ReadAsync<PreferenceRow>(
                    reader,
                    dataset,
                    row =>
                        row.Side == DatasetSide.Validation
                            ? new EvaluationItem(row.Key, row.Slice, row.Messages, row.Chosen.Content, row.EpisodeIds)
                            : null,
                    cancellationToken
                )
                .ConfigureAwait(false),
            _ => await ReadAsync<PromptRow>(
                    reader,
                    dataset,
                    row =>
                        row.Side == DatasetSide.Validation
                            ? new EvaluationItem(row.Key, row.Slice, row.Messages, row.Expected, row.EpisodeIds)
                            : null,
                    cancellationToken
                )
                .ConfigureAwait(false),
        };

    private static EvaluationItem Of(DatasetExample row) =>
        new(row.Key, null, [new DatasetMessage("user", row.Input)], row.Expected, [.. row.Answers.Select(answer => answer.EpisodeId)]);

    /// <summary>A conversation without the answer that it ends with, which is the expected one; one that ends in calls has none.</summary>
    private static EvaluationItem Of(ChatRow row) =>
        new(row.Key, row.Slice, [.. row.Messages.SkipLast(1)], row.Messages[^1].Content, row.EpisodeIds, row.Tools);

    private static async Task<List<EvaluationItem>> ReadAsync<T>(
        DatasetReader reader,
        Dataset dataset,
        Func<T, EvaluationItem?> map,
        CancellationToken cancellationToken
    )
        where T : class
    {
        var items = new List<EvaluationItem>();
        await foreach (var row in reader.ReadRowsAsync<T>(dataset, cancellationToken).ConfigureAwait(false))
        {
            if (map(row) is { } item)
            {
                items.Add(item);
            }
        }

        return items;
    }
}
