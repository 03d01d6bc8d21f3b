using System.Runtime.Intrinsics;

namespace AgentLightning.Models.Tensors;

/// <summary>
/// Causal attention within each of several sequences that lie one after the other, forward and backward. A part is one sequence and one head of keys and values;
/// 32 queries at a time, their scores are a matrix product, exactly normalised, and kept only as ln Σ e^score.
/// </summary>
/// <param name="starts">First token of each sequence, and after the last one the number of tokens: [sequences + 1].</param>
/// <param name="longest">Tokens of the longest sequence.</param>
/// <param name="qkv">Rows of tokens as <paramref name="shape"/> says.</param>
/// <param name="output">[tokens × heads · width].</param>
/// <param name="logSums">ln Σ e^score, [tokens × heads].</param>
internal readonly unsafe struct Attention(AttentionShape shape, int sequences, int* starts, int longest, Rows qkv, Rows output, float* logSums)
{
    private const int Width = PanelKernel.Width;

    public void Forward(WorkerPool pool)
    {
        var panels = PanelMatrix.PanelsOf(longest);
        var floats = (panels * Width * shape.HeadWidth) + (shape.HeadPanels * longest * Width) + (Width * panels * Width);
        pool.Run(new ForwardJob(this, shape), sequences * shape.KeyValueHeads, floats);
    }

    /// <summary>Writes the gradient of the rows of tokens to <paramref name="dqkv"/>, from that of the output.</summary>
    public void Backward(WorkerPool pool, Rows dOutput, Rows dqkv)
    {
        var panels = PanelMatrix.PanelsOf(longest);
        var floats = (2 * panels * Width * shape.HeadWidth) + (shape.HeadPanels * longest * Width) + (2 * Width * panels * Width) + (2 * shape.HeadPanels * Width * Width);
        pool.Run(new BackwardJob(this, shape, dOutput, dqkv), sequences * shape.KeyValueHeads, floats);
    }

    /// <summary>Tokens [length × head width] as panels of 32 tokens [head width × 32]: the right side of query · keyᵀ.</summary>
    private static float* PackAcross(Rows x, int length, int width, ref float* scratch)
    {
        var panels = scratch;
        for (var t = 0; t < length; t += Width, scratch += width * Width)
        {
            PanelMatrix.PackTransposed(x[t], x.Stride, Math.Min(Width, length - t), width, scratch);
        }

        return panels;
    }

    /// <summary>Tokens [length × head width] as panels of 32 numbers [length × 32]: the right side of weights · values.</summary>
    private static float* PackAlong(Rows x, int length, int width, ref float* scratch)
    {
        var panels = scratch;
        for (var d = 0; d < width; d += Width, scratch += length * Width)
        {
            PanelMatrix.PackRows(x.Data + d, x.Stride, Math.Min(Width, width - d), length, scratch);
        }

        return panels;
    }

    /// <summary>scores [rows × keys] = q · kᵀ.</summary>
    private static void Score(AttentionShape shape, int rows, float* q, nint qRow, float* keys, int keyCount, float* scores, int scoreRow)
    {
        for (var p = 0; p < PanelMatrix.PanelsOf(keyCount); p++)
        {
            PanelKernel.Best.Multiply(rows, Width, shape.HeadWidth, q, qRow, 1, keys + (p * Width * shape.HeadWidth), StoredType.F32, scores + (p * Width), scoreRow, null, 0);
        }
    }

    /// <summary>c [rows × head width] (+)= a [rows × depth] · panels made by <see cref="PackAlong"/> from <paramref name="packed"/> tokens.</summary>
    private static void Combine(AttentionShape shape, int rows, int depth, float* a, nint aRow, nint aStep, float* panels, int packed, float* c, nint cRow, bool add)
    {
        for (var d = 0; d < shape.HeadWidth; d += Width, panels += packed * Width)
        {
            PanelKernel.Best.Multiply(rows, Math.Min(Width, shape.HeadWidth - d), depth, a, aRow, aStep, panels, StoredType.F32, c + d, cRow, add ? c + d : null, cRow);
        }
    }

    private (int First, int Length) Sequence(int index) => (starts[index], starts[index + 1] - starts[index]);

    private readonly struct ForwardJob(Attention attention, AttentionShape shape) : IJob
    {
        public void Run(int part, float* scratch)
        {
            var (sequence, kv) = (part / shape.KeyValueHeads, part % shape.KeyValueHeads);
            var (first, length) = attention.Sequence(sequence);
            var qkv = attention.QkvOf(first);
            var keys = PackAcross(qkv.From(shape.Key(kv)), length, shape.HeadWidth, ref scratch);
            var values = PackAlong(qkv.From(shape.Value(kv)), length, shape.HeadWidth, ref scratch);
            var scoreRow = PanelMatrix.PanelsOf(length) * Width;
            for (var head = kv * shape.Group; head < (kv + 1) * shape.Group; head++)
            {
                var query = qkv.From(shape.Query(head));
                var output = attention.OutputOf(first).From(shape.Query(head));
                for (var t = 0; t < length; t += Width)
                {
                    var rows = Math.Min(Width, length - t);
                    Score(shape, rows, query[t], query.Stride, keys, t + rows, scratch, scoreRow);
                    for (var r = 0; r < rows; r++)
                    {
                        attention.LogSum(first + t + r, head) = shape.Softmax(scratch + (r * scoreRow), t + r + 1, t + rows);
                    }

                    Combine(shape, rows, t + rows, scratch, scoreRow, 1, values, length, output[t], output.Stride, add: false);
                }
            }
        }
    }

    /// <summary>With weights P, δ = dO·O per query and scale s: dV = Pᵀ·dO; dS = s·P∘(dO·Vᵀ − δ); dQ = dS·K; dK = dSᵀ·Q.</summary>
    private readonly struct BackwardJob(Attention attention, AttentionShape shape, Rows dOutput, Rows dqkv) : IJob
    {
        public void Run(int part, float* scratch)
        {
            var (sequence, kv) = (part / shape.KeyValueHeads, part % shape.KeyValueHeads);
            var (first, length) = attention.Sequence(sequence);
            var qkv = attention.QkvOf(first);
            var gradient = dqkv.Below(first);
            var (dKey, dValue) = (gradient.From(shape.Key(kv)), gradient.From(shape.Value(kv)));
            var keysAcross = PackAcross(qkv.From(shape.Key(kv)), length, shape.HeadWidth, ref scratch);
            var valuesAcross = PackAcross(qkv.From(shape.Value(kv)), length, shape.HeadWidth, ref scratch);
            var keysAlong = PackAlong(qkv.From(shape.Key(kv)), length, shape.HeadWidth, ref scratch);
            for (var t = 0; t < length; t++)
            {
                new Span<float>(dKey[t], shape.HeadWidth).Clear();
                new Span<float>(dValue[t], shape.HeadWidth).Clear();
            }

            var row = PanelMatrix.PanelsOf(length) * Width;
            var weights = scratch;
            var dScores = weights + (Width * row);
            for (var head = kv * shape.Group; head < (kv + 1) * shape.Group; head++)
            {
                var (query, dQuery) = (qkv.From(shape.Query(head)), gradient.From(shape.Query(head)));
                var (output, dOut) = (attention.OutputOf(first).From(shape.Query(head)), dOutput.Below(first).From(shape.Query(head)));
                for (var t = 0; t < length; t += Width)
                {
                    var rows = Math.Min(Width, length - t);
                    var rest = dScores + (Width * row);
                    var keys = t + rows;
                    var queriesAlong = PackAlong(query.Below(t), rows, shape.HeadWidth, ref rest);
                    var outputsAlong = PackAlong(dOut.Below(t), rows, shape.HeadWidth, ref rest);
                    Score(shape, rows, query[t], query.Stride, keysAcross, keys, weights, row);
                    Score(shape, rows, dOut[t], dOut.Stride, valuesAcross, keys, dScores, row);
                    for (var r = 0; r < rows; r++)
                    {
                        var delta = Lanes.Dot(dOut[t + r], output[t + r], shape.HeadWidth);
                        Differentiate(weights + (r * row), dScores + (r * row), t + r + 1, keys, attention.LogSum(first + t + r, head), delta);
                    }

                    Combine(shape, rows, keys, dScores, row, 1, keysAlong, length, dQuery[t], dQuery.Stride, add: false);
                    Combine(shape, keys, rows, weights, 1, row, outputsAlong, rows, dValue[0], dValue.Stride, add: true);
                    Combine(shape, keys, rows, dScores, 1, row, queriesAlong, rows, dKey[0], dKey.Stride, add: true);
                }
            }
        }

        /// <summary>Scores to weights and gradients of weights to gradients of scores, in place; both zero for keys that come later.</summary>
        private void Differentiate(float* scores, float* gradients, int valid, int count, float logSum, float delta)
        {
            var scale = shape.Scale;
            for (var j = 0; j < count; j += Lanes.Count)
            {
                var weight = Lanes.Exp((Vector512.Load(scores + j) * scale) - Vector512.Create(logSum)) & Lanes.Below(valid - j);
                var gradient = weight * (Vector512.Load(gradients + j) - Vector512.Create(delta)) * scale;
                weight.Store(scores + j);
                gradient.Store(gradients + j);
            }
        }
    }

    private Rows QkvOf(int token) => qkv.Below(token);

    private Rows OutputOf(int token) => output.Below(token);

    private ref float LogSum(int token, int head) => ref logSums[((long)token * shape.Heads) + head];
}
