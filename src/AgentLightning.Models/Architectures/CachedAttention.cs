using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Architectures;

/// <summary>One sequence of a batch: its rows in the batch, and the tokens it had before.</summary>
/// <param name="Pages">Index of its first page in the list of pages.</param>
internal readonly record struct CachedRows(int FirstRow, int Count, int Before, int Pages);

/// <summary>
/// Attention of new tokens over all that their sequences have seen. A part is one sequence and one head of keys and values: it first writes
/// the new keys and values to the pages. A single new token takes all query heads that share the head at once; several new tokens go head
/// by head, 32 at a time.
/// </summary>
internal readonly unsafe struct CachedAttention(
    KeyValueCacheView cache,
    AttentionShape shape,
    CachedRows* sequences,
    int* pages,
    Rows qkv,
    Rows output
) : IJob
{
    private const int PageTokens = KeyValueCache.PageTokens;

    /// <summary>Numbers of scratch for sequences of up to <paramref name="longest"/> tokens.</summary>
    public static int ScratchFor(int longest) => PanelMatrix.PanelsOf(longest) * PageTokens * PageTokens;

    public void Run(int part, float* scratch)
    {
        var (sequence, kv) = (sequences[part / shape.KeyValueHeads], part % shape.KeyValueHeads);
        Append(sequence, kv);
        var first = kv * shape.Group;
        if (sequence.Count == 1)
        {
            // The query heads of one token lie one after the other, so they are rows.
            for (var head = 0; head < shape.Group; head += PageTokens)
            {
                var column = shape.Query(first + head);
                Attend(
                    sequence,
                    kv,
                    Math.Min(PageTokens, shape.Group - head),
                    sequence.Before + 1,
                    0,
                    qkv[sequence.FirstRow] + column,
                    shape.HeadWidth,
                    output[sequence.FirstRow] + column,
                    shape.HeadWidth,
                    scratch
                );
            }

            return;
        }

        for (var head = first; head < first + shape.Group; head++)
        {
            for (var t = 0; t < sequence.Count; t += PageTokens)
            {
                var row = sequence.FirstRow + t;
                Attend(
                    sequence,
                    kv,
                    Math.Min(PageTokens, sequence.Count - t),
                    sequence.Before + t + 1,
                    1,
                    qkv[row] + shape.Query(head),
                    qkv.Stride,
                    output[row] + shape.Query(head),
                    output.Stride,
                    scratch
                );
            }
        }
    }

    /// <summary>Row r of the queries sees the first <paramref name="seen"/> + r · <paramref name="growth"/> tokens.</summary>
    private void Attend(
        CachedRows sequence,
        int kv,
        int rows,
        int seen,
        int growth,
        float* query,
        nint queryRow,
        float* result,
        nint resultRow,
        float* scores
    )
    {
        var keys = seen + ((rows - 1) * growth);
        var panels = PanelMatrix.PanelsOf(keys);
        var scoreRow = panels * PageTokens;
        for (var p = 0; p < panels; p++)
        {
            PanelKernel.Best.Multiply(
                rows,
                PageTokens,
                shape.HeadWidth,
                query,
                queryRow,
                1,
                cache.Keys(pages[sequence.Pages + p], kv),
                StoredType.F32,
                scores + (p * PageTokens),
                scoreRow,
                null,
                0
            );
        }

        for (var r = 0; r < rows; r++)
        {
            shape.Softmax(scores + (r * scoreRow), seen + (r * growth), keys);
        }

        for (var p = 0; p < panels; p++)
        {
            var values = cache.Values(pages[sequence.Pages + p], kv);
            var depth = Math.Min(PageTokens, keys - (p * PageTokens));
            for (var d = 0; d < shape.HeadWidth; d += PanelKernel.Width, values += PageTokens * PanelKernel.Width)
            {
                PanelKernel.Best.Multiply(
                    rows,
                    Math.Min(PanelKernel.Width, shape.HeadWidth - d),
                    depth,
                    scores + (p * PageTokens),
                    scoreRow,
                    1,
                    values,
                    StoredType.F32,
                    result + d,
                    resultRow,
                    p == 0 ? null : result + d,
                    resultRow
                );
            }
        }
    }

    private void Append(CachedRows sequence, int kv)
    {
        for (var t = 0; t < sequence.Count; t++)
        {
            var (page, slot) = (pages[sequence.Pages + ((sequence.Before + t) / PageTokens)], (sequence.Before + t) % PageTokens);
            float* row = qkv[sequence.FirstRow + t],
                keys = cache.Keys(page, kv),
                values = cache.Values(page, kv);
            for (var d = 0; d < shape.HeadWidth; d++)
            {
                keys[(d * PageTokens) + slot] = row[shape.Key(kv) + d];
                values[((((d / PanelKernel.Width) * PageTokens) + slot) * PanelKernel.Width) + (d % PanelKernel.Width)] = row[
                    shape.Value(kv) + d
                ];
            }
        }
    }
}
