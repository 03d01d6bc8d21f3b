using AgentLightning.Common;
using AgentLightning.Models.ChatTemplates;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Engine.Chat;

/// <summary>A language model that answers in this process. Two equal ones are one model in memory.</summary>
public sealed record LocalModelOptions
{
    /// <summary>Folder with config.json, model.safetensors and tokenizer.json.</summary>
    public required string Folder { get; init; }

    /// <summary>Folder of a LoRA adapter (PEFT) of this model; null, the default, for none.</summary>
    public string? Adapter { get; init; }

    /// <summary>Threads that compute; 0, the default, is one per processor.</summary>
    public int Threads { get; init; }

    /// <summary>How weights are kept in memory; null, the default, as in the file.</summary>
    public StoredType? Type { get; init; }

    /// <summary>
    /// How messages become a prompt, in Jinja; null, the default, is the template of the folder, and where it has none, lines of <c>role:
    /// content</c>.
    /// </summary>
    public string? ChatTemplate { get; init; }

    /// <summary>Answers that are made at once, at least 1; 16 by default. Others wait.</summary>
    public int MaxBatch { get; init; } = 16;

    /// <summary>
    /// Tokens that prompts and answers at work can hold together; null, the default, is the longest context of the model, up to 8,192.
    /// </summary>
    public int? CacheTokens { get; init; }

    /// <summary>
    /// Most tokens of an answer where the request does not say, at least 1; 512 by default. Less where the context leaves less.
    /// </summary>
    public int MaxOutputTokens { get; init; } = 512;

    /// <summary>
    /// How long nobody must ask before the model leaves memory; it is loaded again when somebody does. 5 minutes by default, more than 0.
    /// </summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(5);

    internal void Validate()
    {
        if (
            string.IsNullOrWhiteSpace(Folder)
            || Threads < 0
            || MaxBatch < 1
            || CacheTokens < 1
            || MaxOutputTokens < 1
            || IdleTimeout <= TimeSpan.Zero
        )
        {
            throw LightningException.Invalid(
                $"A local model needs a folder ('{Folder}'), 0 threads or more ({Threads}), a batch ({MaxBatch}), a cache "
                    + $"({CacheTokens?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "default"}) and answers "
                    + $"({MaxOutputTokens}) of at least 1, and an idle time above 0 ({IdleTimeout})."
            );
        }

        if (ChatTemplate is not null)
        {
            LanguageModel.Guard(() => Models.ChatTemplates.ChatTemplate.Parse(ChatTemplate));
        }
    }
}
