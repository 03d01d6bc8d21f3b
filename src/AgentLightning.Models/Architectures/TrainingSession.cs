using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Architectures;

/// <summary>
/// Runs a model forward over packed sequences and back. Any objective is: <see cref="Forward"/> gives log-probabilities of chosen tokens,
/// the caller says what each is worth, <see cref="Backward"/> adds to the gradients of the parameters that are trained. Gradients add up
/// until an optimizer uses them.
/// </summary>
/// <remarks>
/// T tokens of several sequences lie one after the other without padding; <c>starts</c> [sequences + 1] holds the first token of each and
/// T; positions begin at 0 in each, and no sequence sees another but a tail, which goes on from the last sequence before it that is none:
/// it sees that one and itself, its positions follow on, and gradients are those of whole sequences, of which the common beginning is
/// computed once. A step allocates nothing once one of its size has been seen. Results do not depend on the number of threads. Not
/// thread-safe.
/// </remarks>
public sealed unsafe class TrainingSession : IDisposable
{
    private readonly Transformer _model;
    private readonly WorkerPool _pool;
    private readonly Arena _arena = new();
    private readonly BlockRunner _blocks;
    private readonly OutputHead _head;
    private readonly LayerActivations[] _layers;
    private readonly TrainingSessionOptions _options;
    private int _tokens;
    private int* _ids,
        _positions;
    private AttentionBlocks _attention;

    public TrainingSession(Transformer model, Compute compute, TrainingSessionOptions? options = null)
    {
        (_model, _pool, _options) = (model, compute.Pool, options ?? new TrainingSessionOptions());
        _options.Validate();
        _blocks = new BlockRunner(model, _pool, _arena);
        _head = new OutputHead(model, _pool, _arena, _blocks, _options.LogitBytes);
        _layers = new LayerActivations[model.Config.Layers];
    }

    /// <summary>Bytes held for activations.</summary>
    public long Bytes => _arena.Bytes;

    /// <summary>
    /// About the bytes that a step takes for activations when every token of <paramref name="tokens"/> is a position; what adapters keep is
    /// not counted.
    /// </summary>
    public static double EstimateBytes(Transformer model, long tokens, TrainingSessionOptions options) =>
        EstimateBytes(model.Config, tokens, options);

    /// <summary>The same for a model that is not in memory yet.</summary>
    public static double EstimateBytes(TransformerConfig config, long tokens, TrainingSessionOptions options)
    {
        var shape = new AttentionShape(config.Heads, config.KeyValueHeads, config.HeadWidth);
        double width = config.Width,
            inner = config.IsGpt2 ? config.InnerWidth : 2.0 * config.InnerWidth;
        var unnormed = config.QueryKeyNorm ? (shape.Heads + shape.KeyValueHeads) * (double)shape.HeadWidth : 0;
        var layer = (4 * width) + shape.RowWidth + unnormed + shape.OutputWidth + shape.Heads + inner + config.InnerWidth;
        var kept = options.Checkpointing ? layer + ((config.Layers - 1) * width) : config.Layers * layer;
        var backward = (3 * width) + shape.RowWidth + unnormed + shape.OutputWidth + inner + config.InnerWidth;
        var logits = Math.Min(
            tokens * (config.VocabularySize + (double)Lanes.Count) * sizeof(float),
            options.LogitBytes + (config.VocabularySize * (double)sizeof(float))
        );
        return (tokens * sizeof(float) * (kept + backward + (5 * width) + 16)) + logits;
    }

    private bool TablesAreTrained => _model.Tokens.IsTrained || _model.Positions is { IsTrained: true };

    /// <summary>
    /// The log-probability of token <c>targets[i]</c> after the token at <c>positions[i]</c> (an index into <paramref name="tokens"/>) and
    /// those before it, for N positions.
    /// </summary>
    /// <param name="tokens">[T]</param>
    /// <param name="starts">[sequences + 1], from 0 to T, rising.</param>
    /// <param name="logProbabilities">[N]</param>
    /// <param name="entropies">[N], or empty: the entropy of the whole distribution, in nats.</param>
    /// <param name="temperature">What logits are divided by; greater than 0.</param>
    /// <param name="tails">[sequences], or empty when there are none: whether each is a tail. A position may be asked about several
    /// times.</param>
    public void Forward(
        ReadOnlySpan<int> tokens,
        ReadOnlySpan<int> starts,
        ReadOnlySpan<int> positions,
        ReadOnlySpan<int> targets,
        Span<float> logProbabilities,
        Span<float> entropies = default,
        float temperature = 1,
        ReadOnlySpan<bool> tails = default
    )
    {
        TokenChecks.Batch(_model.Config, tokens, starts, tails);
        TokenChecks.Targets(_model.Config, tokens.Length, positions, targets, logProbabilities.Length, entropies.Length);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(temperature, 0);
        _arena.Reset();
        CopyBatch(tokens, starts, tails);
        var x = LayerActivations.Matrix(_arena, _tokens, _model.Config.Width);
        _blocks.Embed(_tokens, _ids, _positions, x);
        for (var i = 0; i < _layers.Length; i++)
        {
            var input = x;
            if (_options.Checkpointing && i > 0)
            {
                // One set of activations serves all; only the residual stream between blocks stays.
                _layers[i] = _layers[0];
                _layers[i].Input = input;
                _layers[i].Output = LayerActivations.Matrix(_arena, _tokens, _model.Config.Width);
            }
            else
            {
                _layers[i] = LayerActivations.Take(_arena, _model, _tokens, input);
            }

            ForwardLayer(i);
            x = _layers[i].Output;
        }

        _head.Forward(x, positions, targets, temperature, logProbabilities, entropies);
    }

    /// <summary>
    /// Copies what the output layer was given at each position of the last <see cref="Forward"/>, [N × width]: what another head can read.
    /// </summary>
    public void ReadStates(Span<float> states) => _head.ReadStates(states);

    /// <summary>
    /// Adds ∂L/∂parameter, given ∂L/∂(log-probability) of each position of the last <see cref="Forward"/>, and ∂L/∂(entropy) and
    /// ∂L/∂(state) or nothing. Once per forward.
    /// </summary>
    /// <param name="stateGradients">[N × width], of what <see cref="ReadStates"/> gave.</param>
    public void Backward(
        ReadOnlySpan<float> logProbabilityGradients,
        ReadOnlySpan<float> entropyGradients = default,
        ReadOnlySpan<float> stateGradients = default
    )
    {
        var dx = LayerActivations.Matrix(_arena, _tokens, _model.Config.Width);
        _head.Backward(_tokens, logProbabilityGradients, entropyGradients, stateGradients, dx);
        var last = LowestTrained();
        for (var i = _layers.Length - 1; i >= last; i--)
        {
            var mark = _arena.Mark();
            ref readonly var a = ref _layers[i];
            if (_options.Checkpointing && i < _layers.Length - 1)
            {
                ForwardLayer(i);
            }

            var dAttended = LayerActivations.Matrix(_arena, _tokens, (int)a.Attended.Stride);
            _blocks.FinishBackward(_model.Layers[i], _tokens, a, dx, dAttended);
            var dqkv = LayerActivations.Matrix(_arena, _tokens, (int)a.QueryKeyValue.Stride);
            AttentionOf(a).Backward(_pool, dAttended, dqkv);
            _blocks.ProjectBackward(_model.Layers[i], _tokens, _positions, a, dqkv, dx, goesOn: i > last || TablesAreTrained);
            _arena.Release(mark);
        }

        if (_model.Tokens.IsTrained)
        {
            Embeddings.AddGradient(_pool, _tokens, _ids, dx, _model.Tokens.GradientMatrix);
        }

        if (_model.Positions is { IsTrained: true } table)
        {
            Embeddings.AddGradient(_pool, _tokens, _positions, dx, table.GradientMatrix);
        }
    }

    /// <summary>
    /// The special case of learning by example: adds the gradient of −weight · Σ ln p(target), and returns that loss. With weight 1 /
    /// (targets of the whole update), micro-batches add up to exactly the mean over all their targets.
    /// </summary>
    public double CrossEntropy(
        ReadOnlySpan<int> tokens,
        ReadOnlySpan<int> starts,
        ReadOnlySpan<int> positions,
        ReadOnlySpan<int> targets,
        float weight
    )
    {
        var logProbabilities = _head.Losses(positions.Length);
        Forward(tokens, starts, positions, targets, logProbabilities);
        double sum = 0;
        foreach (ref var logProbability in logProbabilities)
        {
            sum += logProbability;
            logProbability = -weight;
        }

        Backward(logProbabilities);
        return -weight * sum;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _blocks.Dispose();
        _arena.Dispose();
    }

    private void CopyBatch(ReadOnlySpan<int> tokens, ReadOnlySpan<int> starts, ReadOnlySpan<bool> tails)
    {
        _tokens = tokens.Length;
        _ids = _arena.Take<int>(_tokens);
        _positions = _arena.Take<int>(_tokens);
        _attention = new AttentionBlocks(_arena, starts, tails);
        tokens.CopyTo(new Span<int>(_ids, _tokens));
        var before = 0;
        for (var s = 0; s < starts.Length - 1; s++)
        {
            var isTail = !tails.IsEmpty && tails[s];
            for (var t = starts[s]; t < starts[s + 1]; t++)
            {
                _positions[t] = t - starts[s] + (isTail ? before : 0);
            }

            before = isTail ? before : starts[s + 1] - starts[s];
        }
    }

    private void ForwardLayer(int index)
    {
        ref readonly var a = ref _layers[index];
        _blocks.Project(_model.Layers[index], _tokens, _positions, a);
        AttentionOf(a).Forward(_pool);
        _blocks.Finish(_model.Layers[index], _tokens, a);
    }

    private Attention AttentionOf(in LayerActivations a) => new(_model.AttentionShape, _attention, a.QueryKeyValue, a.Attended, a.LogSums);

    /// <summary>Nothing below this block changes, so the gradient need not go there.</summary>
    private int LowestTrained()
    {
        if (TablesAreTrained)
        {
            return 0;
        }

        var index = 0;
        while (index < _layers.Length && !_model.Layers[index].IsTrained)
        {
            index++;
        }

        return index;
    }
}
