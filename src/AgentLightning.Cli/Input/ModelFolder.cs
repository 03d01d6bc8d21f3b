using System.Security.Cryptography;
using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Engine;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Triage;

namespace AgentLightning.Cli.Input;

/// <summary>What <c>model.json</c> says of the model beside it.</summary>
/// <param name="Sha256">Of <c>model.safetensors</c>, 64 hex digits.</param>
internal sealed record ModelCard(string Name, IReadOnlyList<string> Labels, int Examples, long Parameters, long Seed, string Sha256);

/// <summary>A trained policy as a folder: <c>model.safetensors</c> and <c>model.json</c>, which holds its hash.</summary>
internal static class ModelFolder
{
    private const string WeightsFile = "model.safetensors";
    private const string CardFile = "model.json";

    /// <summary>
    /// Checks, before any work is done for it, that a model may be written there: a folder that is new, empty, or holds a model.
    /// </summary>
    public static void CheckWritable(string folder)
    {
        if (
            File.Exists(folder)
            || (
                Directory.Exists(folder)
                && !File.Exists(Path.Combine(folder, CardFile))
                && Directory.EnumerateFileSystemEntries(folder).Any()
            )
        )
        {
            throw LightningException.Invalid($"'{folder}' holds something that is not a model. Give a new or empty folder with --out.");
        }
    }

    /// <summary>Writes a model. The card comes last and by a rename: a folder with a card is whole.</summary>
    public static async Task<ModelCard> WriteAsync(
        string folder,
        TextClassifier model,
        int examples,
        long seed,
        CancellationToken cancellationToken
    )
    {
        Directory.CreateDirectory(folder);
        var weights = new MemoryStream();
        await TextClassifierCheckpoint.WriteAsync(model, weights);
        var content = weights.ToArray();
        var card = new ModelCard(
            Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)),
            model.Labels,
            examples,
            model.ParameterCount,
            seed,
            Convert.ToHexStringLower(SHA256.HashData(content))
        );
        await ReplaceAsync(Path.Combine(folder, WeightsFile), content, cancellationToken);
        await ReplaceAsync(
            Path.Combine(folder, CardFile),
            JsonSerializer.SerializeToUtf8Bytes(card, LightningJson.Indented),
            cancellationToken
        );
        return card;
    }

    /// <summary>Reads a model and checks its hash.</summary>
    public static async Task<ITriagePolicy> ReadAsync(string folder, CancellationToken cancellationToken)
    {
        if (!File.Exists(Path.Combine(folder, CardFile)) || !File.Exists(Path.Combine(folder, WeightsFile)))
        {
            throw LightningException.Invalid(
                $"'{folder}' holds no model: {CardFile} and {WeightsFile} are expected there. Make one with 'lightning triage train --out "
                    + $"{folder}'."
            );
        }

        ModelCard? card;
        try
        {
            card = JsonSerializer.Deserialize<ModelCard>(
                await File.ReadAllBytesAsync(Path.Combine(folder, CardFile), cancellationToken),
                LightningJson.Options
            );
        }
        catch (JsonException e)
        {
            throw new LightningException(
                ErrorKind.Corrupt,
                $"'{Path.Combine(folder, CardFile)}' cannot be read: {e.Message} Train the model again.",
                e
            );
        }

        var content = await File.ReadAllBytesAsync(Path.Combine(folder, WeightsFile), cancellationToken);
        var seen = Convert.ToHexStringLower(SHA256.HashData(content));
        if (seen != card?.Sha256)
        {
            throw new LightningException(
                ErrorKind.Corrupt,
                $"'{Path.Combine(folder, WeightsFile)}' is not the model that was written: its SHA-256 is {seen}, expected "
                    + $"{card?.Sha256}. Train it again, or restore it from a backup."
            );
        }

        return new TextClassifierLoader().Load(card.Name, content)
            ?? throw new LightningException(ErrorKind.Corrupt, $"'{Path.Combine(folder, WeightsFile)}' is not a text classifier.");
    }

    private static async Task ReplaceAsync(string path, byte[] content, CancellationToken cancellationToken)
    {
        var temporary = path + ".tmp";
        await File.WriteAllBytesAsync(temporary, content, cancellationToken);
        File.Move(temporary, path, overwrite: true);
    }
}
