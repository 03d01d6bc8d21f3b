namespace AgentLightning.Models.Architectures;

/// <summary>The families of one decoder-only transformer; they differ in what <see cref="TransformerConfig"/> says.</summary>
public enum TransformerFamily
{
    /// <summary>LayerNorm, learned positions, GELU, biases everywhere, one matrix for queries, keys and values.</summary>
    Gpt2,

    /// <summary>Llama 2 and 3: RMSNorm, rotary positions, SwiGLU, no biases.</summary>
    Llama,

    /// <summary>As Llama.</summary>
    Mistral,

    /// <summary>Qwen2 and 2.5: as Llama, with biases on queries, keys and values.</summary>
    Qwen2,

    /// <summary>Qwen3, dense: as Llama, with RMSNorm on each query and key head.</summary>
    Qwen3,
}

/// <summary>The shape of a transformer. Sizes are numbers per token unless said otherwise.</summary>
public sealed record TransformerConfig
{
    /// <summary>Decides the kind of norm, positions and feed-forward block, and the names of the weights.</summary>
    public required TransformerFamily Family { get; init; }

    /// <summary>Rows of the token table.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The residual stream.</summary>
    public required int Width { get; init; }

    /// <summary>Blocks of attention and feed-forward.</summary>
    public required int Layers { get; init; }

    /// <summary>Query heads; a multiple of <see cref="KeyValueHeads"/>.</summary>
    public required int Heads { get; init; }

    /// <summary>Heads of keys and values.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Numbers per head; even where positions are rotary.</summary>
    public required int HeadWidth { get; init; }

    /// <summary>Inside the feed-forward block.</summary>
    public required int InnerWidth { get; init; }

    /// <summary>Longest context, in tokens. With sliding-window attention, the window: up to there it is the same.</summary>
    public required int MaxPositions { get; init; }

    /// <summary>ε of the norms.</summary>
    public float NormEpsilon { get; init; } = 1e-5f;

    /// <summary>Base of the rotary frequencies.</summary>
    public double RopeTheta { get; init; } = 10_000;

    /// <summary>None by default.</summary>
    public RopeScaling? RopeScaling { get; init; }

    /// <summary>Biases on queries, keys and values.</summary>
    public bool QueryKeyValueBias { get; init; }

    /// <summary>A bias on the output of attention.</summary>
    public bool AttentionOutputBias { get; init; }

    /// <summary>Biases in the feed-forward block.</summary>
    public bool FeedForwardBias { get; init; }

    /// <summary>Whether the token table is also the output layer.</summary>
    public bool TiedEmbeddings { get; init; }

    internal bool IsGpt2 => Family == TransformerFamily.Gpt2;

    internal bool QueryKeyNorm => Family == TransformerFamily.Qwen3;

    /// <summary>Rotary frequencies, radians per position, one per pair of numbers in a head.</summary>
    internal double[] RotaryFrequencies() =>
        [
            .. Enumerable
                .Range(0, HeadWidth / 2)
                .Select(i => Math.Pow(RopeTheta, -2.0 * i / HeadWidth))
                .Select(frequency => RopeScaling?.Apply(frequency) ?? frequency),
        ];

    /// <summary>Numbers in the matrices, which are nearly all.</summary>
    internal double MatrixNumbers()
    {
        double attention = (double)Width * HeadWidth * ((2 * Heads) + (2 * KeyValueHeads)),
            feedForward = (double)Width * InnerWidth * (IsGpt2 ? 2 : 3);
        return (Layers * (attention + feedForward))
            + ((double)Width * ((VocabularySize * (TiedEmbeddings ? 1.0 : 2.0)) + (IsGpt2 ? MaxPositions : 0)));
    }

    /// <summary>All mistakes at once, each with the value seen; empty when there is none.</summary>
    internal IReadOnlyList<string> Validate()
    {
        var errors = new List<string>();
        foreach (
            var (name, value) in new[]
            {
                ("vocabulary size", VocabularySize),
                ("width", Width),
                ("layers", Layers),
                ("heads", Heads),
                ("key and value heads", KeyValueHeads),
                ("head width", HeadWidth),
                ("inner width", InnerWidth),
                ("longest context", MaxPositions),
            }
        )
        {
            if (value is < 1 or > 1 << 24)
            {
                errors.Add($"the {name} must be 1 to {1 << 24}, but it is {value}");
            }
        }

        if (KeyValueHeads > 0 && Heads % KeyValueHeads != 0)
        {
            errors.Add($"the heads must be a multiple of the key and value heads, but they are {Heads} and {KeyValueHeads}");
        }

        if (IsGpt2 ? Heads * HeadWidth != Width || KeyValueHeads != Heads : HeadWidth % 2 != 0)
        {
            errors.Add(
                IsGpt2
                    ? $"{Heads} heads must share the width evenly, but it is {Width}"
                    : $"the head width must be even, but it is {HeadWidth}"
            );
        }

        if (NormEpsilon is not (> 0 and < 1) || RopeTheta is not > 0 || RopeScaling is { Factor: not > 0 })
        {
            errors.Add(
                $"the ε of the norms and the base and factor of the positions must be positive, but they are {NormEpsilon}, {RopeTheta} "
                    + $"and {RopeScaling?.Factor}"
            );
        }

        return errors;
    }
}
