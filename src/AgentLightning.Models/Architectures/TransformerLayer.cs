namespace AgentLightning.Models.Architectures;

/// <summary>The scale of a norm and, for LayerNorm, its shift.</summary>
internal sealed record Norm(Parameter Weight, Parameter? Bias);

/// <summary>
/// The weights of one block. Queries, keys and values are one matrix or three, and the entrance of the feed-forward block one or two: the
/// outputs of the parts lie side by side in one row.
/// </summary>
internal sealed record TransformerLayer(
    Norm AttentionNorm,
    Linear[] QueryKeyValue,
    Norm? QueryNorm,
    Norm? KeyNorm,
    Linear AttentionOutput,
    Norm FeedForwardNorm,
    Linear[] FeedForwardIn,
    Linear FeedForwardOut
)
{
    public Linear[] Linears { get; } = [.. QueryKeyValue, AttentionOutput, .. FeedForwardIn, FeedForwardOut];

    public Norm[] Norms { get; } = [.. new[] { AttentionNorm, QueryNorm, KeyNorm, FeedForwardNorm }.OfType<Norm>()];

    public IEnumerable<Parameter> Parameters =>
        Norms
            .SelectMany(norm => new[] { norm.Weight, norm.Bias })
            .Concat(Linears.SelectMany(linear => new[] { linear.Weight, linear.Bias }))
            .OfType<Parameter>();

    /// <summary>The same weights, on which other adapters can be hooked.</summary>
    public TransformerLayer WithoutAdapters()
    {
        return new(
            AttentionNorm,
            Array.ConvertAll(QueryKeyValue, Bare),
            QueryNorm,
            KeyNorm,
            Bare(AttentionOutput),
            FeedForwardNorm,
            Array.ConvertAll(FeedForwardIn, Bare),
            Bare(FeedForwardOut)
        );

        static Linear Bare(Linear linear) => new(linear.Weight, linear.Bias);
    }

    /// <summary>Whether a step changes anything in this block.</summary>
    public bool IsTrained => Array.Exists(Linears, linear => linear.IsTrained) || Array.Exists(Norms, norm => norm.Weight.IsTrained);
}
