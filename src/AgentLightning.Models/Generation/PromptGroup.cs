using AgentLightning.Models.Architectures;

namespace AgentLightning.Models.Generation;

/// <summary>A prompt and its completions, which share what the cache holds of it.</summary>
internal sealed class PromptGroup(int[] prompt, GenerationOptions options, int maxTokens)
{
    private const int Page = KeyValueCache.PageTokens;

    public int[] Prompt => prompt;

    public GenerationOptions Options => options;

    public int MaxTokens => maxTokens;

    public Queue<Completion> Waiting { get; } = new();

    /// <summary>Completions that are being decoded.</summary>
    public int Decoding { get; set; }

    /// <summary>The prompt in the cache, from when it is begun until the last completion has it.</summary>
    public CachedSequence? Sequence { get; set; }

    /// <summary>What follows the prompt; null until all of it is read.</summary>
    public float[]? Logits { get; set; }

    public int PromptPages => Pages(prompt.Length);

    /// <summary>Pages that a completion may fill, one for its copy of the page that the prompt began included.</summary>
    public int CompletionPages => Pages(prompt.Length + maxTokens) - (prompt.Length / Page);

    public static int Pages(int tokens) => (tokens + Page - 1) / Page;
}
