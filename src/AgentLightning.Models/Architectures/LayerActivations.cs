using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Architectures;

/// <summary>What a block computes for some tokens, in the order of its life; the backward reads it all.</summary>
internal unsafe struct LayerActivations
{
    private const int MostLinears = 8;

    /// <summary>The residual stream: [tokens × width] before the block, between its halves, and after it.</summary>
    public Rows Input,
        Middle,
        Output;

    /// <summary>The input of each half, [tokens × width].</summary>
    public Rows AttentionNormed,
        FeedForwardNormed;

    /// <summary>Queries, keys and values as attention takes them; and queries and keys before their norm, where they have one.</summary>
    public Rows QueryKeyValue,
        Unnormed;

    /// <summary>What attention gives, [tokens × heads · head width], and ln Σ e^score, [tokens × heads].</summary>
    public Rows Attended;
    public float* LogSums;

    /// <summary>Before and after the non-linearity.</summary>
    public Rows Inner,
        Activated;

    /// <summary>What adapters keep, one place per linear layer, null without adapter.</summary>
    public float** Low;

    /// <param name="input">The residual stream; the output is new memory.</param>
    public static LayerActivations Take(Arena arena, Transformer model, int tokens, Rows input)
    {
        var config = model.Config;
        var shape = model.AttentionShape;
        var innerWidth = config.IsGpt2 ? config.InnerWidth : 2 * config.InnerWidth;
        return new LayerActivations
        {
            Input = input,
            Middle = Matrix(arena, tokens, config.Width),
            Output = Matrix(arena, tokens, config.Width),
            AttentionNormed = Matrix(arena, tokens, config.Width),
            FeedForwardNormed = Matrix(arena, tokens, config.Width),
            QueryKeyValue = Matrix(arena, tokens, shape.RowWidth),
            Unnormed = config.QueryKeyNorm ? Matrix(arena, tokens, (shape.Heads + shape.KeyValueHeads) * shape.HeadWidth) : default,
            Attended = Matrix(arena, tokens, shape.OutputWidth),
            LogSums = arena.Take<float>((long)tokens * shape.Heads),
            Inner = Matrix(arena, tokens, innerWidth),
            Activated = Matrix(arena, tokens, config.InnerWidth),
            Low = (float**)arena.Take<nint>(MostLinears),
        };
    }

    public static Rows Matrix(Arena arena, int rows, int width) => new(arena.Take<float>((long)rows * width), width);
}
