using System.Runtime.InteropServices;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Architectures;

/// <summary>
/// The final norm and the output layer, only at the positions that count. Logits are kept for the backward where they fit the budget, else
/// made again chunk by chunk.
/// </summary>
internal sealed unsafe class OutputHead(Transformer model, WorkerPool pool, Arena arena, BlockRunner blocks, long logitBytes)
{
    private readonly int _width = model.Config.Width,
        _vocabulary = model.Config.VocabularySize;
    private float[] _losses = [];
    private int _count,
        _chunk;
    private int* _at,
        _targets;
    private float* _results;
    private TokenLoss _loss;
    private Rows _hidden,
        _normed,
        _logits;

    // Rows of logits begin at a cache line.
    private int LogitRow => (_vocabulary + Lanes.Count - 1) / Lanes.Count * Lanes.Count;

    /// <summary>Room for one number per position, kept from step to step.</summary>
    public Span<float> Losses(int count)
    {
        if (_losses.Length < count)
        {
            _losses = new float[count];
        }

        return _losses.AsSpan(0, count);
    }

    public void Forward(
        Rows x,
        ReadOnlySpan<int> positions,
        ReadOnlySpan<int> targets,
        float temperature,
        Span<float> logProbabilities,
        Span<float> entropies
    )
    {
        _count = positions.Length;
        _loss = new TokenLoss(_vocabulary, temperature);
        _at = arena.Take<int>(_count);
        _targets = arena.Take<int>(_count);
        _results = arena.Take<float>(3L * _count);
        positions.CopyTo(new Span<int>(_at, _count));
        targets.CopyTo(new Span<int>(_targets, _count));
        _hidden = LayerActivations.Matrix(arena, _count, _width);
        _normed = LayerActivations.Matrix(arena, _count, _width);
        _chunk = (int)Math.Clamp(logitBytes / sizeof(float) / LogitRow, 1, _count);
        _logits = LayerActivations.Matrix(arena, _chunk, LogitRow);
        Gather(model, pool, _count, _at, x, _hidden, _normed);
        for (var from = 0; from < _count; from += _chunk)
        {
            var rows = Math.Min(_chunk, _count - from);
            MakeLogits(from, rows);
            _loss.Forward(pool, rows, _logits, _targets + from, _results + (3 * from));
        }

        for (var i = 0; i < _count; i++)
        {
            logProbabilities[i] = _results[3 * i];
            if (!entropies.IsEmpty)
            {
                entropies[i] = _results[(3 * i) + 1];
            }
        }
    }

    /// <summary>What the output layer was given, [positions × width].</summary>
    public void ReadStates(Span<float> states)
    {
        for (var i = 0; i < _count; i++)
        {
            new ReadOnlySpan<float>(_normed[i], _width).CopyTo(states[(i * _width)..]);
        }
    }

    /// <summary>Writes the gradient of the residual stream, dx [tokens × width], and adds to those of norm and output layer.</summary>
    /// <param name="stateGradients">[positions × width], of what <see cref="ReadStates"/> gave; or empty.</param>
    public void Backward(
        int tokens,
        ReadOnlySpan<float> logProbabilityGradients,
        ReadOnlySpan<float> entropyGradients,
        ReadOnlySpan<float> stateGradients,
        Rows dx
    )
    {
        if (stateGradients.Length != 0 && stateGradients.Length != _count * _width)
        {
            throw new ArgumentException(
                $"The last forward had {_count} positions of {_width} numbers, but there are {stateGradients.Length} gradients of states."
            );
        }

        if (logProbabilityGradients.Length != _count || (entropyGradients.Length != 0 && entropyGradients.Length != _count))
        {
            throw new ArgumentException(
                $"The last forward had {_count} positions, but there are {logProbabilityGradients.Length} gradients of log-probabilities "
                    + $"and {entropyGradients.Length} of entropies."
            );
        }

        var mark = arena.Mark();
        var gradients = arena.Take<float>(2L * _count);
        for (var i = 0; i < _count; i++)
        {
            (gradients[2 * i], gradients[(2 * i) + 1]) = (logProbabilityGradients[i], entropyGradients.IsEmpty ? 0 : entropyGradients[i]);
        }

        var dNormed = LayerActivations.Matrix(arena, _count, _width);
        for (var from = 0; from < _count; from += _chunk)
        {
            var rows = Math.Min(_chunk, _count - from);
            if (_chunk < _count)
            {
                MakeLogits(from, rows);
            }

            _loss.Backward(pool, rows, _logits, _targets + from, _results + (3 * from), gradients + (2 * from));
            model.Output.Backward(pool, arena, rows, _normed.Below(from), _logits, dNormed.Below(from), add: false, null);
        }

        for (var i = 0; i < _count && !stateGradients.IsEmpty; i++)
        {
            VectorMath.AddScaled(1, stateGradients.Slice(i * _width, _width), new Span<float>(dNormed[i], _width));
        }

        var dHidden = LayerActivations.Matrix(arena, _count, _width);
        blocks.NormBackward(model.Normalization, model.FinalNorm, _count, _hidden, dNormed, dHidden, add: false);
        NativeMemory.Clear(dx.Data, (nuint)tokens * (nuint)_width * sizeof(float));
        for (var i = 0; i < _count; i++)
        {
            VectorMath.AddScaled(1, new ReadOnlySpan<float>(dHidden[i], _width), new Span<float>(dx[_at[i]], _width));
        }

        arena.Release(mark);
    }

    /// <summary>The residual stream at some positions, and its norm.</summary>
    public static void Gather(Transformer model, WorkerPool pool, int count, int* at, Rows x, Rows hidden, Rows normed)
    {
        for (var i = 0; i < count; i++)
        {
            new ReadOnlySpan<float>(x[at[i]], model.Config.Width).CopyTo(new Span<float>(hidden[i], model.Config.Width));
        }

        var norm = model.FinalNorm;
        model.Normalization.Forward(pool, count, hidden, norm.Weight.Vector, norm.Bias is null ? null : norm.Bias.Vector, normed);
    }

    private void MakeLogits(int from, int rows) => model.Output.Forward(pool, arena, rows, _normed.Below(from), _logits);
}
