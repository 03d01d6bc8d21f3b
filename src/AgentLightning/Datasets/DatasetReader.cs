using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Datasets;

/// <summary>Reads the content of data sets, and tells the sides of their inputs.</summary>
public sealed class DatasetReader(IArtifactStore artifacts)
{
    /// <summary>The content of a data set of kind classification, in the order in which it was stored.</summary>
    public async Task<IReadOnlyList<DatasetExample>> ReadAsync(Dataset dataset, CancellationToken cancellationToken)
    {
        var examples = new List<DatasetExample>();
        await foreach (var example in ReadRowsAsync<DatasetExample>(dataset, cancellationToken).ConfigureAwait(false))
        {
            examples.Add(example);
        }

        return examples;
    }

    /// <summary>
    /// The rows of a data set in the order in which they were stored, one in memory at a time. Content that was changed is
    /// <see cref="ErrorKind.Corrupt"/>, at its end at the latest: nothing is to be kept of a read that did not come to its end.
    /// </summary>
    /// <typeparam name="T">What the rows of its kind are, as <see cref="DatasetKind"/> says; another is
    /// <see cref="ErrorKind.Invalid"/>.</typeparam>
    public async IAsyncEnumerable<T> ReadRowsAsync<T>(Dataset dataset, [EnumeratorCancellation] CancellationToken cancellationToken)
        where T : class
    {
        if (KindOf(typeof(T)) != dataset.Kind)
        {
            throw LightningException.Invalid(
                $"Data set {dataset.Id} is of kind {EnumText.Of(dataset.Kind)}, which is not what is asked for here: "
                    + $"{(KindOf(typeof(T)) is { } kind ? EnumText.Of(kind) : typeof(T).Name)}. Build one of that kind from the same "
                    + $"episodes."
            );
        }

        await foreach (var line in ReadLinesAsync(dataset, cancellationToken).ConfigureAwait(false))
        {
            T? row;
            try
            {
                row = JsonSerializer.Deserialize<T>(line, LightningJson.Options);
            }
            catch (JsonException)
            {
                // Whether it was changed since is known at its end only.
                await artifacts.CheckAsync(dataset.Artifact, cancellationToken).ConfigureAwait(false);
                throw;
            }

            yield return row!;
        }
    }

    /// <summary>The rows as they lie in the store, one JSON object each.</summary>
    internal async IAsyncEnumerable<string> ReadLinesAsync(Dataset dataset, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(await artifacts.OpenAsync(dataset.Artifact, cancellationToken).ConfigureAwait(false));
        while (await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
        {
            yield return line;
        }
    }

    /// <summary>The side of an input: a hash of seed and key, read as a number in [0, 1), below the share.</summary>
    public static DatasetSide SideOf(string key, long seed, double heldOutShare) =>
        PlaceOf(key, seed) < heldOutShare ? DatasetSide.Validation : DatasetSide.Train;

    /// <summary>A hash of seed and key, as a number in [0, 1).</summary>
    internal static double PlaceOf(string key, long seed)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{seed}:{key}"));
        return (BitConverter.ToUInt64(hash) >> 11) * (1.0 / (1L << 53));
    }

    private static DatasetKind? KindOf(Type row) =>
        row == typeof(DatasetExample) ? DatasetKind.Classification
        : row == typeof(ChatRow) ? DatasetKind.Chat
        : row == typeof(PreferenceRow) ? DatasetKind.Preference
        : row == typeof(PromptRow) ? DatasetKind.Prompts
        : null;
}
