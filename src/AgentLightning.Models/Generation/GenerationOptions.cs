using AgentLightning.Models.Generation.Grammars;

namespace AgentLightning.Models.Generation;

/// <summary>How tokens are chosen, and when to stop.</summary>
public sealed record GenerationOptions
{
    /// <summary>Most tokens of a completion, at least 1; null, the default, is as many as the context leaves.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>What logits are divided by, 0 or more; 1 by default. 0 takes the likeliest token, the lowest id of equals.</summary>
    public float Temperature { get; init; } = 1;

    /// <summary>Only so many of the likeliest tokens are drawn from; 0, the default, is all.</summary>
    public int TopK { get; init; }

    /// <summary>
    /// Only the likeliest tokens that together reach this share are drawn from, above 0 to 1; 1, the default, is all. Counted on what
    /// <see cref="TopK"/> leaves.
    /// </summary>
    public float TopP { get; init; } = 1;

    /// <summary>Only tokens at least this fraction as likely as the likeliest are drawn from, 0 to 1; 0, the default, is all.</summary>
    public float MinP { get; init; }

    /// <summary>Fixes every draw; the same seed gives the same tokens on every run, whatever else is in the batch. 0 by default.</summary>
    public long Seed { get; init; }

    /// <summary>
    /// Texts that end a completion where they begin in it, also across the borders of tokens. They are not part of its text. None by
    /// default.
    /// </summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Tokens that end a completion; null, the default, is those that the tokenizer names.</summary>
    public IReadOnlyList<int>? StopIds { get; init; }

    /// <summary>
    /// What the completion must be; null, the default, is any text. It is then whole and valid within <see cref="MaxTokens"/>, and ends by
    /// itself.
    /// </summary>
    public JsonGrammar? Grammar { get; init; }

    internal void Validate()
    {
        var errors = new List<string>();
        Check(MaxTokens is null or >= 1, "the most tokens must be at least 1", MaxTokens);
        Check(Temperature is >= 0 and < float.PositiveInfinity, "the temperature must be 0 or more", Temperature);
        Check(TopK >= 0, "top-k must be 0 or more", TopK);
        Check(TopP is > 0 and <= 1, "top-p must be above 0 and at most 1", TopP);
        Check(MinP is >= 0 and <= 1, "min-p must be 0 to 1", MinP);
        Check(Grammar is null || Stop.Count == 0, "there must be no stop strings where a grammar says what ends a text", Stop.Count);
        Check(!Stop.Any(string.IsNullOrEmpty), "a stop string must not be empty", "empty");
        if (errors.Count > 0)
        {
            throw new ArgumentException($"The options of the generation are wrong: {string.Join("; ", errors)}.");
        }

        void Check(bool right, string rule, object? seen)
        {
            if (!right)
            {
                errors.Add(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{rule}, but it is {seen}"));
            }
        }
    }
}
