using System.Runtime.Intrinsics;

namespace AgentLightning.Models.Tensors;

/// <summary>
/// Causal attention within each of several sequences, and of tails over the sequence that they go on from, forward and backward. A part is
/// one family and one head of keys and values, so what all tails add to the gradient of their sequence is summed in order. 32 queries at a
/// time, their scores are a matrix product, exactly normalised, and kept only as ln Σ e^score.
/// </summary>
/// <param name="qkv">Rows of tokens as <paramref name="shape"/> says.</param>
/// <param name="output">[tokens × heads · width].</param>
/// <param name="logSums">ln Σ e^score, [tokens × heads].</param>
internal readonly unsafe struct Attention(AttentionShape shape, AttentionBlocks blocks, Rows qkv, Rows output, float* logSums)
{
    private const int Width = PanelKernel.Width;

    // Scores of keys in the sequence before a tail, then, from a full panel on, of those in its own block.
    private int ScoreFloats => Width * Width * (PanelMatrix.PanelsOf(blocks.LongestSequence) + PanelMatrix.PanelsOf(blocks.LongestTails));

    public void Forward(WorkerPool pool) =>
        pool.Run(new ForwardJob(this, shape), blocks.Families * shape.KeyValueHeads, PackedFloats(across: 1) + ScoreFloats);

    /// <summary>Writes the gradient of the rows of tokens to <paramref name="dqkv"/>, from that of the output.</summary>
    public void Backward(WorkerPool pool, Rows dOutput, Rows dqkv) =>
        pool.Run(
            new BackwardJob(this, shape, dOutput, dqkv),
            blocks.Families * shape.KeyValueHeads,
            PackedFloats(across: 2) + (2 * ScoreFloats) + (2 * shape.HeadPanels * Width * Width)
        );

    /// <summary>Scratch for a sequence and a block of tails, packed so many times across and once along.</summary>
    private int PackedFloats(int across) => PackedFloats(blocks.LongestSequence, across) + PackedFloats(blocks.LongestTails, across);

    private int PackedFloats(int length, int across) =>
        (across * PanelMatrix.PanelsOf(length) * Width * shape.HeadWidth) + (shape.HeadPanels * length * Width);

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
            PanelMatrix.PackRows(x.Data + d, x.Stride, Math.Min(Width, width - d), length, scratch, length);
        }

        return panels;
    }

    /// <summary>scores [rows × keys] = q · kᵀ.</summary>
    private static void Score(AttentionShape shape, int rows, float* q, nint qRow, float* keys, int keyCount, float* scores, int scoreRow)
    {
        for (var p = 0; p < PanelMatrix.PanelsOf(keyCount); p++)
        {
            PanelKernel.Best.Multiply(
                rows,
                Width,
                shape.HeadWidth,
                q,
                qRow,
                1,
                keys + (p * Width * shape.HeadWidth),
                StoredType.F32,
                scores + (p * Width),
                scoreRow,
                null,
                0
            );
        }
    }

    /// <summary>
    /// c [rows × head width] (+)= a [rows × depth] · panels made by <see cref="PackAlong"/> from <paramref name="packed"/> tokens.
    /// </summary>
    private static void Combine(
        AttentionShape shape,
        int rows,
        int depth,
        float* a,
        nint aRow,
        nint aStep,
        float* panels,
        int packed,
        float* c,
        nint cRow,
        bool add
    )
    {
        for (var d = 0; d < shape.HeadWidth; d += Width, panels += packed * Width)
        {
            PanelKernel.Best.Multiply(
                rows,
                Math.Min(Width, shape.HeadWidth - d),
                depth,
                a,
                aRow,
                aStep,
                panels,
                StoredType.F32,
                c + d,
                cRow,
                add ? c + d : null,
                cRow
            );
        }
    }

    /// <summary>What a query sees of its own block ends at itself; of what lies before it, the tokens of other tails are hidden.</summary>
    private int Hidden(int token, int blockStart) => blocks.OwnStart(token) - blockStart;

    private (int From, int To) Family(int index) => blocks.Family(index);

    private (int First, int Length) Block(int index) => blocks.Block(index);

    private Rows QkvOf(int token) => qkv.Below(token);

    private Rows OutputOf(int token) => output.Below(token);

    private ref float LogSum(int token, int head) => ref logSums[((long)token * shape.Heads) + head];

    /// <summary>A block whose keys and values are packed; without tokens where there is none.</summary>
    private readonly struct Packed(int first, int length, float* keysAcross, float* valuesAcross, float* along)
    {
        public int First => first;

        public int Length => length;

        public float* KeysAcross => keysAcross;

        /// <summary>For the backward only.</summary>
        public float* ValuesAcross => valuesAcross;

        /// <summary>Values on the way forward, keys on the way back.</summary>
        public float* Along => along;

        /// <summary>Columns that its scores fill.</summary>
        public int Columns => PanelMatrix.PanelsOf(Length) * Width;
    }

    private readonly struct ForwardJob(Attention attention, AttentionShape shape) : IJob
    {
        public void Run(int part, float* scratch)
        {
            var (from, to) = attention.Family(part / shape.KeyValueHeads);
            var kv = part % shape.KeyValueHeads;
            var sequence = Pack(from, kv, ref scratch);
            Attend(default, sequence, kv, scratch);
            for (var tails = from + 1; tails < to; tails++)
            {
                var rest = scratch;
                var own = Pack(tails, kv, ref rest);
                Attend(sequence, own, kv, rest);
            }
        }

        private Packed Pack(int block, int kv, ref float* scratch)
        {
            var (first, length) = attention.Block(block);
            var tokens = attention.QkvOf(first);
            var keys = PackAcross(tokens.From(shape.Key(kv)), length, shape.HeadWidth, ref scratch);
            return new Packed(first, length, keys, null, PackAlong(tokens.From(shape.Value(kv)), length, shape.HeadWidth, ref scratch));
        }

        private void Attend(Packed before, Packed own, int kv, float* scores)
        {
            var (ownScores, row) = (before.Columns, before.Columns + own.Columns);
            var tokens = attention.QkvOf(own.First);
            for (var head = kv * shape.Group; head < (kv + 1) * shape.Group; head++)
            {
                var query = tokens.From(shape.Query(head));
                var result = attention.OutputOf(own.First).From(shape.Query(head));
                for (var t = 0; t < own.Length; t += Width)
                {
                    var rows = Math.Min(Width, own.Length - t);
                    Score(shape, rows, query[t], query.Stride, before.KeysAcross, before.Length, scores, row);
                    Score(shape, rows, query[t], query.Stride, own.KeysAcross, t + rows, scores + ownScores, row);
                    for (var r = 0; r < rows; r++)
                    {
                        var token = own.First + t + r;
                        var hidden = new Span<float>(
                            scores + (r * row) + before.Length,
                            ownScores - before.Length + attention.Hidden(token, own.First)
                        );
                        hidden.Fill(float.NegativeInfinity);
                        attention.LogSum(token, head) = shape.Softmax(scores + (r * row), ownScores + t + r + 1, ownScores + t + rows);
                        hidden.Clear();
                    }

                    if (before.Length > 0)
                    {
                        Combine(
                            shape,
                            rows,
                            before.Length,
                            scores,
                            row,
                            1,
                            before.Along,
                            before.Length,
                            result[t],
                            result.Stride,
                            add: false
                        );
                    }

                    Combine(
                        shape,
                        rows,
                        t + rows,
                        scores + ownScores,
                        row,
                        1,
                        own.Along,
                        own.Length,
                        result[t],
                        result.Stride,
                        add: before.Length > 0
                    );
                }
            }
        }
    }

    /// <summary>With weights P, δ = dO·O per query and scale s: dV = Pᵀ·dO; dS = s·P∘(dO·Vᵀ − δ); dQ = dS·K; dK = dSᵀ·Q.</summary>
    private readonly struct BackwardJob(Attention attention, AttentionShape shape, Rows dOutput, Rows dqkv) : IJob
    {
        public void Run(int part, float* scratch)
        {
            var (from, to) = attention.Family(part / shape.KeyValueHeads);
            var kv = part % shape.KeyValueHeads;
            var sequence = Pack(from, kv, ref scratch);
            Differentiate(default, sequence, kv, scratch);
            for (var tails = from + 1; tails < to; tails++)
            {
                var rest = scratch;
                var own = Pack(tails, kv, ref rest);
                Differentiate(sequence, own, kv, rest);
            }
        }

        /// <summary>Packs a block, and clears the gradients of its keys and values, to which it and the tails after it add.</summary>
        private Packed Pack(int block, int kv, ref float* scratch)
        {
            var (first, length) = attention.Block(block);
            var (tokens, gradient) = (attention.QkvOf(first), dqkv.Below(first));
            for (var t = 0; t < length; t++)
            {
                new Span<float>(gradient[t] + shape.Key(kv), shape.HeadWidth).Clear();
                new Span<float>(gradient[t] + shape.Value(kv), shape.HeadWidth).Clear();
            }

            var keys = PackAcross(tokens.From(shape.Key(kv)), length, shape.HeadWidth, ref scratch);
            var values = PackAcross(tokens.From(shape.Value(kv)), length, shape.HeadWidth, ref scratch);
            return new Packed(first, length, keys, values, PackAlong(tokens.From(shape.Key(kv)), length, shape.HeadWidth, ref scratch));
        }

        private void Differentiate(Packed before, Packed own, int kv, float* scratch)
        {
            var (ownScores, row) = (before.Columns, before.Columns + own.Columns);
            var weights = scratch;
            var dScores = weights + (Width * row);
            var (tokens, gradient, beforeGradient) = (attention.QkvOf(own.First), dqkv.Below(own.First), dqkv.Below(before.First));
            var (dKey, dValue) = (gradient.From(shape.Key(kv)), gradient.From(shape.Value(kv)));
            var (dBeforeKey, dBeforeValue) = (beforeGradient.From(shape.Key(kv)), beforeGradient.From(shape.Value(kv)));
            for (var head = kv * shape.Group; head < (kv + 1) * shape.Group; head++)
            {
                var (query, dQuery) = (tokens.From(shape.Query(head)), gradient.From(shape.Query(head)));
                var (result, dOut) = (
                    attention.OutputOf(own.First).From(shape.Query(head)),
                    dOutput.Below(own.First).From(shape.Query(head))
                );
                for (var t = 0; t < own.Length; t += Width)
                {
                    var rows = Math.Min(Width, own.Length - t);
                    var rest = dScores + (Width * row);
                    var keys = t + rows;
                    var queriesAlong = PackAlong(query.Below(t), rows, shape.HeadWidth, ref rest);
                    var outputsAlong = PackAlong(dOut.Below(t), rows, shape.HeadWidth, ref rest);
                    Score(shape, rows, query[t], query.Stride, before.KeysAcross, before.Length, weights, row);
                    Score(shape, rows, query[t], query.Stride, own.KeysAcross, keys, weights + ownScores, row);
                    Score(shape, rows, dOut[t], dOut.Stride, before.ValuesAcross, before.Length, dScores, row);
                    Score(shape, rows, dOut[t], dOut.Stride, own.ValuesAcross, keys, dScores + ownScores, row);
                    for (var r = 0; r < rows; r++)
                    {
                        var token = own.First + t + r;
                        var delta = Lanes.Dot(dOut[t + r], result[t + r], shape.HeadWidth);
                        var hidden = attention.Hidden(token, own.First);
                        Differentiate(
                            weights + (r * row),
                            dScores + (r * row),
                            ownScores + t + r + 1,
                            ownScores + keys,
                            attention.LogSum(token, head),
                            delta
                        );
                        new Span<float>(weights + (r * row) + ownScores, hidden).Clear();
                        new Span<float>(dScores + (r * row) + ownScores, hidden).Clear();
                    }

                    if (before.Length > 0)
                    {
                        Combine(
                            shape,
                            rows,
                            before.Length,
                            dScores,
                            row,
                            1,
                            before.Along,
                            before.Length,
                            dQuery[t],
                            dQuery.Stride,
                            add: false
                        );
                        Combine(
                            shape,
                            before.Length,
                            rows,
                            weights,
                            1,
                            row,
                            outputsAlong,
                            rows,
                            dBeforeValue[0],
                            dBeforeValue.Stride,
                            add: true
                        );
                        Combine(
                            shape,
                            before.Length,
                            rows,
                            dScores,
                            1,
                            row,
                            queriesAlong,
                            rows,
                            dBeforeKey[0],
                            dBeforeKey.Stride,
                            add: true
                        );
                    }

                    Combine(
                        shape,
                        rows,
                        keys,
                        dScores + ownScores,
                        row,
                        1,
                        own.Along,
                        own.Length,
                        dQuery[t],
                        dQuery.Stride,
                        add: before.Length > 0
                    );
                    Combine(shape, keys, rows, weights + ownScores, 1, row, outputsAlong, rows, dValue[0], dValue.Stride, add: true);
                    Combine(shape, keys, rows, dScores + ownScores, 1, row, queriesAlong, rows, dKey[0], dKey.Stride, add: true);
                }
            }
        }

        /// <summary>
        /// Scores to weights and gradients of weights to gradients of scores, in place; both zero for keys that come later.
        /// </summary>
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
}
