using System.Text.Json;
using AgentLightning.Common;

namespace AgentLightning.Engine.Tuned;

/// <summary>What a tuned language model is. Stored as these words.</summary>
public enum TunedKind
{
    /// <summary>A LoRA adapter in the format of PEFT, which needs its base model.</summary>
    Adapter,

    /// <summary>A whole model with its tokenizer, in the format of Hugging Face.</summary>
    Model,
}

/// <summary>The first file of a tuned language model: what the others are.</summary>
/// <param name="Format">Always <see cref="Name"/>.</param>
/// <param name="BaseModel">The name of the model that was tuned.</param>
/// <param name="BaseSha256">Of that model, as <see cref="ModelHash"/> counts it.</param>
/// <param name="ChatTemplate">How messages become a prompt, in Jinja; null where the tokenizer beside it says so.</param>
public sealed record TunedManifest(string Format, TunedKind Kind, string BaseModel, string BaseSha256, string? ChatTemplate)
{
    /// <summary>The format that is written, and the only one that is read.</summary>
    public const string Name = "agent-lightning/language-model/1";

    internal const string FileName = "manifest.json";

    internal byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, LightningJson.Options);

    /// <exception cref="LightningException">It is not one that is known here.</exception>
    internal static TunedManifest Parse(ReadOnlySpan<byte> json)
    {
        TunedManifest? manifest;
        try
        {
            manifest = JsonSerializer.Deserialize<TunedManifest>(json, LightningJson.Options);
        }
        catch (JsonException e)
        {
            throw new LightningException(ErrorKind.Corrupt, $"The manifest of a tuned model cannot be read: {e.Message}", e);
        }

        return manifest?.Format == Name
            ? manifest
            : throw LightningException.Conflict(
                $"The tuned model has the format '{manifest?.Format}', but this version reads {Name} only. Serve it with the version that "
                    + $"trained it, or train again."
            );
    }
}
