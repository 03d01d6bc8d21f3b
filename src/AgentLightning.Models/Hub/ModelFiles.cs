using System.Text.RegularExpressions;

namespace AgentLightning.Models.Hub;

/// <summary>
/// Chooses what of a repository makes a model folder: configuration, tokenizer, template, licence, and the weights in safetensors.
/// </summary>
internal static partial class ModelFiles
{
    private const string Index = "model.safetensors.index.json",
        Weights = "model.safetensors",
        Adapter = "adapter_model.safetensors";

    /// <exception cref="HubException">There are no weights that can be read.</exception>
    public static IReadOnlyList<HubFile> Choose(HubRevision revision)
    {
        var shards = revision.Files.Where(file => Shard().IsMatch(file.Name)).ToList();
        var sharded = shards.Count > 0 && revision.Files.Any(file => file.Name == Index);
        var weights = sharded ? shards : [.. revision.Files.Where(file => file.Name is Weights or Adapter)];
        if (weights.Count == 0)
        {
            var others = revision.Files.Select(file => file.Name).Where(name => OtherWeights().IsMatch(name)).Take(5).ToList();
            throw new HubException(
                $"{revision.Repository} at {revision.Commit} has no {Weights}. "
                    + (
                        others.Count > 0
                            ? $"It has {string.Join(", ", others)}, which must be converted first."
                            : "It has no weights at all."
                    )
            );
        }

        return [.. revision.Files.Where(file => IsPart(file.Name) && (sharded || file.Name != Index)), .. weights];
    }

    /// <summary>Files beside the weights, at the top of the repository. A name from outside never leads out of the folder.</summary>
    private static bool IsPart(string name) => Beside().IsMatch(name);

    [GeneratedRegex(@"\Amodel-\d{5}-of-\d{5}\.safetensors\z")]
    private static partial Regex Shard();

    [GeneratedRegex(@"\.(bin|pt|pth|h5|msgpack|gguf|onnx|ot|safetensors)\z")]
    private static partial Regex OtherWeights();

    [GeneratedRegex(
        @"\A(?:[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}\.(?:json|jinja|model)|vocab\.txt|merges\.txt|README\.md|"
            + @"(?:LICENSE|NOTICE)(?:\.(?:txt|md))?)\z"
    )]
    private static partial Regex Beside();
}
