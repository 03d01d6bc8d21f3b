using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Architectures;

/// <summary>
/// Runs a block around its attention: <see cref="Project"/> before it, <see cref="Finish"/> after it, and the backward of both. Attention
/// itself is the caller's, within packed sequences or over a cache.
/// </summary>
internal sealed unsafe class BlockRunner(Transformer model, WorkerPool pool, Arena arena) : IDisposable
{
    private readonly AttentionShape _shape = model.AttentionShape;
    private readonly Rotary? _rotary = model.Config.IsGpt2 ? null : new Rotary(model.Config.RotaryFrequencies());

    private int TurnedHeads => _shape.Heads + _shape.KeyValueHeads;

    /// <summary>x [tokens × width] from ids and, where they are learned, positions.</summary>
    public void Embed(int tokens, int* ids, int* positions, Rows x)
    {
        Embeddings.Pick(pool, tokens, ids, model.Tokens.Weights, x, add: false);
        if (model.Positions is not null)
        {
            Embeddings.Pick(pool, tokens, positions, model.Positions.Weights, x, add: true);
        }
    }

    /// <summary>From the input to queries, keys and values.</summary>
    public void Project(TransformerLayer layer, int tokens, int* positions, in LayerActivations a)
    {
        var norm = layer.AttentionNorm;
        model.Normalization.Forward(
            pool,
            tokens,
            a.Input,
            norm.Weight.Vector,
            norm.Bias is null ? null : norm.Bias.Vector,
            a.AttentionNormed
        );
        var column = 0;
        for (var i = 0; i < layer.QueryKeyValue.Length; i++)
        {
            a.Low[i] = layer
                .QueryKeyValue[i]
                .Forward(pool, arena, tokens, a.AttentionNormed, ProjectedPart(layer, i, a.QueryKeyValue, a.Unnormed).From(column));
            column += layer.QueryKeyValue[i].Outputs;
        }

        if (layer.QueryNorm is not null)
        {
            model.HeadNormalization.Forward(
                pool,
                tokens * _shape.Heads,
                Queries(a.Unnormed),
                layer.QueryNorm.Weight.Vector,
                null,
                Queries(a.QueryKeyValue)
            );
            model.HeadNormalization.Forward(
                pool,
                tokens * _shape.KeyValueHeads,
                Keys(a.Unnormed),
                layer.KeyNorm!.Weight.Vector,
                null,
                Keys(a.QueryKeyValue)
            );
        }

        _rotary?.Turn(pool, tokens, positions, a.QueryKeyValue, TurnedHeads, back: false);
    }

    /// <summary>From what attention gave to the output.</summary>
    public void Finish(TransformerLayer layer, int tokens, in LayerActivations a)
    {
        var at = layer.QueryKeyValue.Length;
        a.Low[at++] = layer.AttentionOutput.Forward(pool, arena, tokens, a.Attended, a.Middle, a.Input);
        var norm = layer.FeedForwardNorm;
        model.Normalization.Forward(
            pool,
            tokens,
            a.Middle,
            norm.Weight.Vector,
            norm.Bias is null ? null : norm.Bias.Vector,
            a.FeedForwardNormed
        );
        var column = 0;
        foreach (var linear in layer.FeedForwardIn)
        {
            a.Low[at++] = linear.Forward(pool, arena, tokens, a.FeedForwardNormed, a.Inner.From(column));
            column += linear.Outputs;
        }

        model.Activation.Forward(pool, tokens, a.Inner, a.Activated);
        a.Low[at] = layer.FeedForwardOut.Forward(pool, arena, tokens, a.Activated, a.Output, a.Middle);
    }

    /// <summary>
    /// Takes the gradient of the output, dx, to that of the middle, in place, and writes the gradient of what attention gave.
    /// </summary>
    public void FinishBackward(TransformerLayer layer, int tokens, in LayerActivations a, Rows dx, Rows dAttended)
    {
        var mark = arena.Mark();
        var at = layer.Linears.Length - 1;
        var width = model.Config.Width;
        var dActivated = LayerActivations.Matrix(arena, tokens, model.Config.InnerWidth);
        layer.FeedForwardOut.Backward(pool, arena, tokens, a.Activated, dx, dActivated, add: false, a.Low[at--]);
        var dInner = LayerActivations.Matrix(arena, tokens, (int)a.Inner.Stride);
        model.Activation.Backward(pool, tokens, a.Inner, dActivated, dInner);
        var dNormed = LayerActivations.Matrix(arena, tokens, width);
        var column = (int)a.Inner.Stride;
        for (var i = layer.FeedForwardIn.Length - 1; i >= 0; i--)
        {
            column -= layer.FeedForwardIn[i].Outputs;
            layer
                .FeedForwardIn[i]
                .Backward(
                    pool,
                    arena,
                    tokens,
                    a.FeedForwardNormed,
                    dInner.From(column),
                    dNormed,
                    add: i < layer.FeedForwardIn.Length - 1,
                    a.Low[at--]
                );
        }

        NormBackward(model.Normalization, layer.FeedForwardNorm, tokens, a.Middle, dNormed, dx, add: true);
        layer.AttentionOutput.Backward(pool, arena, tokens, a.Attended, dx, dAttended, add: false, a.Low[at]);
        arena.Release(mark);
    }

    /// <summary>Takes dx from the middle to the input, in place, with the gradient of queries, keys and values, which it uses up.</summary>
    /// <param name="goesOn">False when nothing below is trained: then dx is not needed.</param>
    public void ProjectBackward(TransformerLayer layer, int tokens, int* positions, in LayerActivations a, Rows dqkv, Rows dx, bool goesOn)
    {
        var mark = arena.Mark();
        _rotary?.Turn(pool, tokens, positions, dqkv, TurnedHeads, back: true);
        Rows dUnnormed = default;
        if (layer.QueryNorm is not null)
        {
            dUnnormed = LayerActivations.Matrix(arena, tokens, TurnedHeads * _shape.HeadWidth);
            NormBackward(
                model.HeadNormalization,
                layer.QueryNorm,
                tokens * _shape.Heads,
                Queries(a.Unnormed),
                Queries(dqkv),
                Queries(dUnnormed),
                add: false
            );
            NormBackward(
                model.HeadNormalization,
                layer.KeyNorm!,
                tokens * _shape.KeyValueHeads,
                Keys(a.Unnormed),
                Keys(dqkv),
                Keys(dUnnormed),
                add: false
            );
        }

        goesOn |= layer.AttentionNorm.Weight.IsTrained;
        var dNormed = goesOn ? LayerActivations.Matrix(arena, tokens, model.Config.Width) : default;
        var column = 0;
        for (var i = 0; i < layer.QueryKeyValue.Length; i++)
        {
            layer
                .QueryKeyValue[i]
                .Backward(
                    pool,
                    arena,
                    tokens,
                    a.AttentionNormed,
                    ProjectedPart(layer, i, dqkv, dUnnormed).From(column),
                    dNormed,
                    add: i > 0,
                    a.Low[i]
                );
            column += layer.QueryKeyValue[i].Outputs;
        }

        if (goesOn)
        {
            NormBackward(model.Normalization, layer.AttentionNorm, tokens, a.Input, dNormed, dx, add: true);
        }

        arena.Release(mark);
    }

    public void NormBackward(Normalization kind, Norm norm, int rows, Rows x, Rows dy, Rows dx, bool add)
    {
        var mark = arena.Mark();
        kind.Backward(
            pool,
            rows,
            x,
            norm.Weight.Vector,
            dy,
            dx,
            add,
            norm.Weight.Gradient,
            norm.Bias is null ? null : norm.Bias.Gradient,
            arena.Take<float>(2L * rows)
        );
        arena.Release(mark);
    }

    public void Dispose() => _rotary?.Dispose();

    /// <summary>Queries and keys (parts 0 and 1) go to a place of their own where a norm follows.</summary>
    private static Rows ProjectedPart(TransformerLayer layer, int part, Rows qkv, Rows unnormed) =>
        layer.QueryNorm is not null && part < 2 ? unnormed : qkv;

    private Rows Queries(Rows x) => new(x.Data, x.Stride, _shape.Heads, _shape.HeadWidth);

    private Rows Keys(Rows x) => new(x.Data + _shape.Key(0), x.Stride, _shape.KeyValueHeads, _shape.HeadWidth);
}
