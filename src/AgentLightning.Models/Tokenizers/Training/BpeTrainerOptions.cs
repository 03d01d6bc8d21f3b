namespace AgentLightning.Models.Tokenizers.Training;

/// <summary>Whose way to split text a trained tokenizer takes over.</summary>
public enum TokenizerFamily
{
    /// <summary>Runs of digits stay together; upper-case contractions do not count.</summary>
    Gpt2,

    /// <summary>Digits in groups of three.</summary>
    Llama3,

    /// <summary>Single digits, and text in NFC.</summary>
    Qwen2,
}

/// <summary>How a tokenizer is trained.</summary>
public sealed record BpeTrainerOptions
{
    /// <summary>
    /// How many tokens there are at most, with the 256 bytes and the special tokens. Fewer when the text gives no more pairs. Default
    /// 8,192.
    /// </summary>
    public int VocabularySize { get; init; } = 8_192;

    /// <summary>How often a pair must be seen to become a token, from 1. Default 2.</summary>
    public int MinFrequency { get; init; } = 2;

    /// <summary>How text is split. Default <see cref="TokenizerFamily.Qwen2"/>.</summary>
    public TokenizerFamily Family { get; init; } = TokenizerFamily.Qwen2;

    /// <summary>Special tokens, in the order of their ids; the first ends a text. Default <c>&lt;|endoftext|&gt;</c>.</summary>
    public IReadOnlyList<string> SpecialTokens { get; init; } = ["<|endoftext|>"];

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(VocabularySize, 256 + SpecialTokens.Count);
        ArgumentOutOfRangeException.ThrowIfLessThan(MinFrequency, 1);
        if (SpecialTokens.Any(string.IsNullOrEmpty) || SpecialTokens.Distinct().Count() != SpecialTokens.Count)
        {
            throw new ArgumentException(
                "Special tokens must be different and not empty, but they are: "
                    + $"{string.Join(", ", SpecialTokens.Select(token => $"'{token}'"))}."
            );
        }
    }
}
