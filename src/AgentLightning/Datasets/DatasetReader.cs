using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Datasets;

/// <summary>Reads the content of data sets, and tells the sides of their inputs.</summary>
public sealed class DatasetReader(IArtifactStore artifacts)
{
    /// <summary>The content of a data set, in the order in which it was stored.</summary>
    public async Task<IReadOnlyList<DatasetExample>> ReadAsync(Dataset dataset, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(await artifacts.OpenAsync(dataset.Artifact, cancellationToken).ConfigureAwait(false));
        var examples = new List<DatasetExample>();
        try
        {
            while (await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } line)
            {
                examples.Add(JsonSerializer.Deserialize<DatasetExample>(line, LightningJson.Options)!);
            }
        }
        catch (JsonException)
        {
            // Whether it was changed since is known at its end only.
            await artifacts.CheckAsync(dataset.Artifact, cancellationToken).ConfigureAwait(false);
            throw;
        }

        return examples;
    }

    /// <summary>The side of an input: a hash of seed and key, read as a number in [0, 1), below the share.</summary>
    public static DatasetSide SideOf(string key, long seed, double heldOutShare)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{seed}:{key}"));
        var position = (BitConverter.ToUInt64(hash) >> 11) * (1.0 / (1L << 53));
        return position < heldOutShare ? DatasetSide.Validation : DatasetSide.Train;
    }
}
