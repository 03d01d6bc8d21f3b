using AgentLightning.Datasets;

namespace AgentLightning.Training;

/// <summary>The rows of a data set that a run may learn from: those held out never come out of it.</summary>
public sealed class TrainingRows(Dataset dataset, DatasetReader reader)
{
    /// <summary>The data set.</summary>
    public Dataset Dataset => dataset;

    /// <summary>Rows to learn from, in the order in which they were stored.</summary>
    public async Task<IReadOnlyList<T>> ReadAsync<T>(CancellationToken cancellationToken)
        where T : class, IDatasetRow
    {
        var rows = new List<T>();
        await foreach (var row in reader.ReadRowsAsync<T>(dataset, cancellationToken).ConfigureAwait(false))
        {
            if (row.Side == DatasetSide.Train)
            {
                rows.Add(row);
            }
        }

        return rows;
    }
}
