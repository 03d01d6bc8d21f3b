using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Architectures;

/// <summary>
/// A decoder-only language model: its shape and its weights. <see cref="TrainingSession"/> and <see cref="InferenceSession"/> run it.
/// </summary>
/// <remarks>
/// Several inference sessions may read one model at once, but not while it is trained. Memory is its own; dispose it after its sessions.
/// </remarks>
public sealed class Transformer : IDisposable
{
    private readonly bool _ownsWeights = true;

    private Transformer(TransformerConfig config, StoredType type)
    {
        Config = config;
        var names = new WeightNames(config, type);
        Tokens = names.TokenTable();
        Positions = config.IsGpt2 ? names.PositionTable() : null;
        Layers = [.. Enumerable.Range(0, config.Layers).Select(names.Layer)];
        FinalNorm = names.FinalNorm();
        Output = config.TiedEmbeddings ? new Linear(Tokens, null) : names.Output();
        Parameters =
        [
            .. new[] { Tokens, Positions }.OfType<Parameter>(),
            .. Layers.SelectMany(layer => layer.Parameters),
            .. new[] { FinalNorm.Weight, FinalNorm.Bias, config.TiedEmbeddings ? null : Output.Weight }.OfType<Parameter>(),
        ];
    }

    private Transformer(Transformer of)
    {
        _ownsWeights = false;
        Config = of.Config;
        (Tokens, Positions, FinalNorm) = (of.Tokens, of.Positions, of.FinalNorm);
        Layers = Array.ConvertAll(of.Layers, layer => layer.WithoutAdapters());
        Output = new Linear(of.Output.Weight, of.Output.Bias);
        Parameters = of.Parameters;
    }

    /// <summary>Its shape.</summary>
    public TransformerConfig Config { get; }

    /// <summary>Every weight once, in the order in which they are used; those of adapters are not among them.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Numbers in the weights.</summary>
    public long ParameterCount => Parameters.Sum(parameter => parameter.Count);

    internal Parameter Tokens { get; }

    internal Parameter? Positions { get; }

    internal TransformerLayer[] Layers { get; }

    internal Norm FinalNorm { get; }

    internal Linear Output { get; }

    internal AttentionShape AttentionShape => new(Config.Heads, Config.KeyValueHeads, Config.HeadWidth);

    internal Normalization Normalization => new(Config.Width, Config.IsGpt2, Config.NormEpsilon);

    internal Normalization HeadNormalization => new(Config.HeadWidth, Centered: false, Config.NormEpsilon);

    internal Activation Activation => new(Config.InnerWidth, gated: !Config.IsGpt2);

    /// <summary>All that an adapter can hook on, the output layer left out.</summary>
    internal IEnumerable<Linear> Linears => Layers.SelectMany(layer => layer.Linears);

    /// <summary>A model whose weights are zero, to be filled.</summary>
    public static Transformer Allocate(TransformerConfig config, StoredType type = StoredType.F32)
    {
        var errors = config.Validate();
        if (errors.Count > 0)
        {
            throw new InvalidDataException($"The shape of the model is wrong: {string.Join("; ", errors)}.");
        }

        MemoryBudget.Check("The weights of the model", config.MatrixNumbers() * type.Size());
        return new Transformer(config, type);
    }

    /// <summary>
    /// A model with random weights, N(0, 0.02²), where the layers that end in the residual stream are smaller by √(2 · layers); norms are
    /// 1, biases 0.
    /// </summary>
    public static Transformer Create(TransformerConfig config, long seed)
    {
        var model = Allocate(config);
        var random = new SeededRandom(seed);
        var intoResidual = model
            .Layers.SelectMany(layer => new[] { layer.AttentionOutput.Weight, layer.FeedForwardOut.Weight })
            .ToHashSet();
        var row = new float[4096];
        foreach (var parameter in model.Parameters)
        {
            var deviation = intoResidual.Contains(parameter) ? 0.02f / MathF.Sqrt(2 * config.Layers) : 0.02f;
            for (long from = 0; from < parameter.Count; from += row.Length)
            {
                var values = row.AsSpan(0, (int)Math.Min(row.Length, parameter.Count - from));
                foreach (ref var value in values)
                {
                    value = parameter.IsVector
                        ? (parameter.Name.EndsWith(".weight", StringComparison.Ordinal) ? 1 : 0)
                        : deviation * random.NextNormal();
                }

                parameter.Write(from, values);
            }
        }

        return model;
    }

    /// <summary>
    /// The same weights, in the same memory, without an adapter: each of several can have one of its own, so that many adapters need one
    /// model. Dispose it before this one, whose the weights are.
    /// </summary>
    public Transformer Share() => new(this);

    /// <summary>Trains all weights, or none.</summary>
    public void Train(bool on)
    {
        foreach (var parameter in Parameters)
        {
            parameter.Train(on);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var parameter in _ownsWeights ? Parameters : [])
        {
            parameter.Dispose();
        }
    }
}
