using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Architectures;

/// <summary>
/// Runs a model forward token by token, with a cache of keys and values. Each call takes new tokens of any number of sequences, so
/// sequences can join and leave a batch between calls, and long prompts can come in pieces.
/// </summary>
/// <remarks>
/// A call allocates nothing once one of its size has been seen. Weights are read as they are at the time of the call; what is cached
/// belongs to the weights it was made with. Not thread-safe.
/// </remarks>
public sealed unsafe class InferenceSession : IDisposable
{
    private readonly Transformer _model;
    private readonly WorkerPool _pool;
    private readonly Arena _arena = new();
    private readonly BlockRunner _blocks;
    private readonly KeyValueCache _cache;

    /// <param name="cacheTokens">Tokens that all sequences together can hold, rounded up to pages of 32; a page shared counts once.</param>
    public InferenceSession(Transformer model, Compute compute, int cacheTokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(cacheTokens, 1);
        (_model, _pool) = (model, compute.Pool);
        _blocks = new BlockRunner(model, _pool, _arena);
        _cache = new KeyValueCache(model.AttentionShape, model.Config.Layers, PanelMatrix.PanelsOf(cacheTokens));
    }

    /// <summary>Tokens for which there is room in pages that nobody holds.</summary>
    public int FreeTokens => _cache.FreePages * KeyValueCache.PageTokens;

    /// <summary>A sequence without tokens.</summary>
    public CachedSequence Start() => new(this, _cache, Math.Min(_model.Config.MaxPositions, _cache.Pages * KeyValueCache.PageTokens));

    /// <summary>
    /// Takes <paramref name="counts"/>[s] new tokens of each of S different sequences and writes the logits at the last token of each.
    /// </summary>
    /// <param name="tokens">[T], the new tokens of the first sequence, then those of the second, …</param>
    /// <param name="logits">[S × vocabulary]</param>
    public void Forward(ReadOnlySpan<CachedSequence> sequences, ReadOnlySpan<int> counts, ReadOnlySpan<int> tokens, Span<float> logits)
    {
        Span<int> last = stackalloc int[Math.Min(sequences.Length, 256)];
        last = last.Length == sequences.Length ? last : new int[sequences.Length];
        var end = 0;
        for (var s = 0; s < Math.Min(counts.Length, last.Length); s++)
        {
            end += counts[s];
            last[s] = end - 1;
        }

        Forward(sequences, counts, tokens, last, logits);
    }

    /// <summary>The same with logits at chosen tokens.</summary>
    /// <param name="positions">[N], indices into <paramref name="tokens"/>; may be empty.</param>
    /// <param name="logits">[N × vocabulary]</param>
    public void Forward(
        ReadOnlySpan<CachedSequence> sequences,
        ReadOnlySpan<int> counts,
        ReadOnlySpan<int> tokens,
        ReadOnlySpan<int> positions,
        Span<float> logits
    )
    {
        Check(sequences, counts, tokens, positions, logits.Length);
        _arena.Reset();
        var rows = _arena.Take<CachedRows>(sequences.Length);
        var ids = _arena.Take<int>(tokens.Length);
        var at = _arena.Take<int>(tokens.Length);
        tokens.CopyTo(new Span<int>(ids, tokens.Length));
        var (first, pageCount, longest) = (0, 0, 0);
        for (var s = 0; s < sequences.Length; s++)
        {
            rows[s] = new CachedRows(first, counts[s], sequences[s].Length, pageCount);
            for (var t = 0; t < counts[s]; t++)
            {
                at[first + t] = sequences[s].Length + t;
            }

            sequences[s].Extend(counts[s]);
            first += counts[s];
            pageCount += sequences[s].PageList.Count;
            longest = Math.Max(longest, sequences[s].Length);
        }

        var pages = _arena.Take<int>(pageCount);
        for (var s = 0; s < sequences.Length; s++)
        {
            sequences[s].PageList.CopyTo(new Span<int>(pages + rows[s].Pages, sequences[s].PageList.Count));
        }

        var a = LayerActivations.Take(_arena, _model, tokens.Length, LayerActivations.Matrix(_arena, tokens.Length, _model.Config.Width));
        a.Output = a.Input;
        _blocks.Embed(tokens.Length, ids, at, a.Input);
        for (var i = 0; i < _model.Layers.Length; i++)
        {
            var mark = _arena.Mark();
            _blocks.Project(_model.Layers[i], tokens.Length, at, a);
            _pool.Run(
                new CachedAttention(_cache.Layer(i), _model.AttentionShape, rows, pages, a.QueryKeyValue, a.Attended),
                sequences.Length * _model.Config.KeyValueHeads,
                CachedAttention.ScratchFor(longest)
            );
            _blocks.Finish(_model.Layers[i], tokens.Length, a);
            _arena.Release(mark);
        }

        Read(positions, a.Output, logits);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _blocks.Dispose();
        _cache.Dispose();
        _arena.Dispose();
    }

    private void Read(ReadOnlySpan<int> positions, Rows x, Span<float> logits)
    {
        if (positions.IsEmpty)
        {
            return;
        }

        var chosen = _arena.Take<int>(positions.Length);
        positions.CopyTo(new Span<int>(chosen, positions.Length));
        var hidden = LayerActivations.Matrix(_arena, positions.Length, _model.Config.Width);
        var normed = LayerActivations.Matrix(_arena, positions.Length, _model.Config.Width);
        OutputHead.Gather(_model, _pool, positions.Length, chosen, x, hidden, normed);
        fixed (float* p = logits)
        {
            _model.Output.Forward(_pool, _arena, positions.Length, normed, new Rows(p, _model.Config.VocabularySize));
        }
    }

    private void Check(
        ReadOnlySpan<CachedSequence> sequences,
        ReadOnlySpan<int> counts,
        ReadOnlySpan<int> tokens,
        ReadOnlySpan<int> positions,
        int logits
    )
    {
        var (total, pages) = (0, 0);
        for (var s = 0; s < Math.Min(sequences.Length, counts.Length); s++)
        {
            if (counts[s] < 1 || sequences[s].Length + counts[s] > _model.Config.MaxPositions)
            {
                throw new ArgumentException(
                    $"Sequence {s} has {sequences[s].Length} tokens and gets {counts[s]}; it must get at least 1 and can hold "
                        + $"{_model.Config.MaxPositions}, the longest context of this model."
                );
            }

            if (sequences[s].Session != this || sequences[..s].IndexOf(sequences[s]) >= 0)
            {
                throw new ArgumentException(
                    $"Sequence {s} {(sequences[s].Session == this ? "is in the batch twice" : "belongs to another session")}."
                );
            }

            total += counts[s];
            pages += sequences[s].PagesFor(counts[s]);
        }

        if (
            sequences.IsEmpty
            || sequences.Length != counts.Length
            || total != tokens.Length
            || logits != (long)positions.Length * _model.Config.VocabularySize
        )
        {
            throw new ArgumentException(
                $"There are {sequences.Length} sequences with {counts.Length} counts that sum to {total} for {tokens.Length} tokens, and "
                    + $"room for {logits} logits where {positions.Length} × {_model.Config.VocabularySize} are wanted."
            );
        }

        if (pages > _cache.FreePages)
        {
            throw new InvalidOperationException(
                $"The batch needs {pages} pages of {KeyValueCache.PageTokens} tokens, but of {_cache.Pages} only {_cache.FreePages} are "
                    + $"free. End sequences, or make the session with more tokens."
            );
        }

        TokenChecks.Ids(_model.Config, tokens, "token");
        TokenChecks.Positions(tokens.Length, positions);
    }
}
