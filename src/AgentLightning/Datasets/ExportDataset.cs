using System.Runtime.CompilerServices;
using AgentLightning.Access;
using AgentLightning.Common;

namespace AgentLightning.Datasets;

/// <summary>How the rows of a data set are written for others.</summary>
public enum DatasetFormat
{
    /// <summary>One JSON object a line, as it is stored.</summary>
    Jsonl,

    /// <summary>
    /// What OpenAI's fine-tuning takes: conversations for chat and classification, pairs for preference, inputs with the expected answer
    /// for prompts.
    /// </summary>
    Openai,

    /// <summary>Pairs as OpenAI's preference fine-tuning takes them.</summary>
    Dpo,

    /// <summary>What TRL takes: <c>prompt</c>, <c>chosen</c>, <c>rejected</c>, or <c>prompt</c>, <c>completion</c>.</summary>
    Trl,

    /// <summary>A table for people. What a spreadsheet would take for a formula begins with an apostrophe.</summary>
    Csv,
}

/// <summary>Writes the rows of data sets in the forms that others read.</summary>
public sealed class ExportDataset(ListDatasets datasets, DatasetReader reader) : IOperation
{
    /// <summary>
    /// The lines, one in memory at a time; role read. A format that the kind has no rows for is <see cref="ErrorKind.Invalid"/>, and both
    /// it and an unknown data set are refused before the first line. Content that was changed is <see cref="ErrorKind.Corrupt"/> at the end
    /// at the latest.
    /// </summary>
    /// <param name="side">Only rows of this side; null for both.</param>
    public async Task<IAsyncEnumerable<string>> ReadAsync(
        Scope scope,
        string id,
        DatasetFormat format,
        DatasetSide? side,
        CancellationToken cancellationToken
    )
    {
        scope.Require(Role.Read);
        var dataset = await datasets.GetAsync(scope, id, cancellationToken).ConfigureAwait(false);
        return dataset.Kind switch
        {
            DatasetKind.Chat => LinesAsync<ChatRow>(dataset, format, side, row => row.Side, new ChatFormats(), cancellationToken),
            DatasetKind.Preference => LinesAsync<PreferenceRow>(
                dataset,
                format,
                side,
                row => row.Side,
                new PreferenceFormats(),
                cancellationToken
            ),
            DatasetKind.Prompts => LinesAsync<PromptRow>(dataset, format, side, row => row.Side, new PromptFormats(), cancellationToken),
            _ => LinesAsync<DatasetExample>(dataset, format, side, row => row.Side, new ClassificationFormats(), cancellationToken),
        };
    }

    private IAsyncEnumerable<string> LinesAsync<T>(
        Dataset dataset,
        DatasetFormat format,
        DatasetSide? side,
        Func<T, DatasetSide> sideOf,
        DatasetFormats<T> formats,
        CancellationToken cancellationToken
    )
        where T : class
    {
        formats.Check(dataset, format);
        if (format == DatasetFormat.Jsonl && side is null)
        {
            return reader.ReadLinesAsync(dataset, cancellationToken);
        }

        return WriteAsync(dataset, format, side, sideOf, formats, cancellationToken);
    }

    private async IAsyncEnumerable<string> WriteAsync<T>(
        Dataset dataset,
        DatasetFormat format,
        DatasetSide? side,
        Func<T, DatasetSide> sideOf,
        DatasetFormats<T> formats,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
        where T : class
    {
        if (format == DatasetFormat.Csv)
        {
            yield return string.Join(',', formats.Columns);
        }

        await foreach (var row in reader.ReadRowsAsync<T>(dataset, cancellationToken).ConfigureAwait(false))
        {
            if ((side is null || sideOf(row) == side) && formats.Line(row, format) is { } line)
            {
                yield return line;
            }
        }
    }
}
