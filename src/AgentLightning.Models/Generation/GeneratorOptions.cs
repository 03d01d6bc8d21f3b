namespace AgentLightning.Models.Generation;

/// <summary>How much a <see cref="Generator"/> does at once. None of it changes a token.</summary>
public sealed record GeneratorOptions
{
    /// <summary>Completions that are decoded together, at least 1; 16 by default. Others wait.</summary>
    public int MaxBatch { get; init; } = 16;

    /// <summary>Tokens of prompts that are read per step, beside the decoding, at least 1; 512 by default.</summary>
    public int PromptTokensPerStep { get; init; } = 512;

    /// <summary>Tokens that the cache holds; null, the default, is the longest context of the model, up to 8,192, and one page.</summary>
    public int? CacheTokens { get; init; }

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxBatch, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(PromptTokensPerStep, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(CacheTokens ?? 1, 1);
    }
}
