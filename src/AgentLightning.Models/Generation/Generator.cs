using System.Diagnostics;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Generation.Grammars;
using AgentLightning.Models.Tensors;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Models.Generation;

/// <summary>
/// Continues prompts. Completions of all prompts are decoded together; they join and leave the batch between steps, a prompt is read once
/// for all its completions, in pieces beside the decoding, and what does not fit waits for its turn.
/// </summary>
/// <remarks>
/// Tokens depend on prompt, options and weights only: not on the batch, the pieces or the threads. A step allocates nothing but texts once
/// one of its size has been seen. Not thread-safe, but for <see cref="Completion.Cancel"/>. The model must not change while completions go
/// on.
/// </remarks>
public sealed unsafe class Generator : IDisposable
{
    private readonly Transformer _model;
    private readonly Tokenizer? _tokenizer;
    private readonly GeneratorOptions _options;
    private readonly InferenceSession _session;
    private readonly Sampler _sampler;
    private readonly int _pages;
    private readonly List<PromptGroup> _groups = [];
    private readonly List<(Completion Completion, CachedSequence Sequence)> _active = [];
    private readonly CachedSequence[] _sequences;
    private readonly int[] _counts,
        _positions;
    private readonly PromptGroup?[] _read;
    private readonly ConstraintCache _constraints;
    private int[] _tokens;
    private float[] _logits;
    private int _reserved;

    /// <param name="tokenizer">For texts and stop strings; without one there are only ids.</param>
    public Generator(Transformer model, Compute compute, Tokenizer? tokenizer, GeneratorOptions? options = null)
    {
        (_model, _tokenizer, _options) = (model, tokenizer, options ?? new GeneratorOptions());
        _options.Validate();
        _pages = PromptGroup.Pages(_options.CacheTokens ?? (Math.Min(model.Config.MaxPositions, 8192) + KeyValueCache.PageTokens));
        _session = new InferenceSession(model, compute, _pages * KeyValueCache.PageTokens);
        _sampler = new Sampler(model.Config.VocabularySize);
        _constraints = new ConstraintCache(tokenizer, model.Config.VocabularySize);
        var rows = _options.MaxBatch + _options.PromptTokensPerStep;
        (_sequences, _counts, _positions, _read, _tokens) = (
            new CachedSequence[rows],
            new int[rows],
            new int[rows],
            new PromptGroup?[rows],
            new int[rows]
        );
        _logits = [];
    }

    /// <summary>Completions that are not finished.</summary>
    public int Unfinished => _active.Count + _groups.Sum(group => group.Waiting.Count);

    /// <summary>Takes a prompt for <paramref name="count"/> completions, which <see cref="Step"/> brings forward.</summary>
    /// <param name="prompt">At least one token.</param>
    /// <param name="onToken">Called for every token, within a step. It must not throw.</param>
    /// <exception cref="ArgumentException">The prompt with the completion does not fit the context or the cache, or an option is wrong; the
    /// message has the numbers.</exception>
    public IReadOnlyList<Completion> Add(
        ReadOnlySpan<int> prompt,
        GenerationOptions options,
        int count = 1,
        Action<GeneratedToken>? onToken = null
    )
    {
        options.Validate();
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        TokenChecks.Ids(_model.Config, prompt, "token");
        if (prompt.IsEmpty)
        {
            throw new ArgumentException("The prompt has no tokens; there must be at least 1.");
        }

        if (options.Stop.Count > 0 && _tokenizer is null)
        {
            throw new ArgumentException("Stop strings need a tokenizer, but this generator has none.");
        }

        var constraint = options.Grammar is null ? null : _constraints.Of(options.Grammar);
        var group = new PromptGroup(prompt.ToArray(), options, MaxTokens(prompt.Length, options));
        if (options.Grammar is { } grammar && grammar.Shortest > group.MaxTokens)
        {
            throw new ArgumentException(
                $"The shortest text of the grammar has {grammar.Shortest} bytes, each of which may take a token, but the completion may "
                    + $"have {group.MaxTokens} tokens. Ask for more."
            );
        }

        var stopIds = options.StopIds ?? _tokenizer?.EosIds ?? [];
        Completion[] completions =
        [
            .. Enumerable.Range(0, count).Select(i => new Completion(group, i, stopIds, TextOf(options), constraint, onToken)),
        ];
        Array.ForEach(completions, group.Waiting.Enqueue);
        _groups.Add(group);
        return completions;
    }

    /// <summary>Adds one prompt and runs until nothing is left.</summary>
    public IReadOnlyList<Completion> Generate(
        ReadOnlySpan<int> prompt,
        GenerationOptions options,
        int count = 1,
        Action<GeneratedToken>? onToken = null,
        CancellationToken cancellationToken = default
    )
    {
        var completions = Add(prompt, options, count, onToken);
        Run(cancellationToken);
        return completions;
    }

    /// <summary>
    /// Runs until nothing is left. When cancelled, what is unfinished ends as <see cref="FinishReason.Cancelled"/> before the exception.
    /// </summary>
    public void Run(CancellationToken cancellationToken = default)
    {
        while (!cancellationToken.IsCancellationRequested && Step()) { }

        if (cancellationToken.IsCancellationRequested && Unfinished > 0)
        {
            CancelAll();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>
    /// One more token of each completion in the batch, and a piece of the prompts that come next. Returns whether anything is left to do.
    /// </summary>
    public bool Step()
    {
        DropCancelled();
        Seat();
        var (batch, tokens) = (0, 0);
        foreach (var (completion, sequence) in _active)
        {
            _tokens[tokens++] = completion.TokenIds[^1];
            (_sequences[batch], _counts[batch], _read[batch], _positions[batch]) = (sequence, 1, null, tokens - 1);
            batch++;
        }

        var rows = batch;
        for (
            var (i, room) = (0, _options.PromptTokensPerStep);
            i < _groups.Count && room > 0 && (_groups[i].Logits is not null || Open(_groups[i]));
            i++
        )
        {
            var group = _groups[i];
            if (group.Logits is null)
            {
                var count = Math.Min(room, group.Prompt.Length - group.Sequence!.Length);
                group.Prompt.AsSpan(group.Sequence.Length, count).CopyTo(_tokens.AsSpan(tokens));
                (tokens, room) = (tokens + count, room - count);
                (_sequences[batch], _counts[batch], _read[rows]) = (group.Sequence, count, group);
                batch++;
                if (group.Sequence.Length + count == group.Prompt.Length)
                {
                    _positions[rows++] = tokens - 1;
                }
            }
        }

        if (batch > 0)
        {
            Forward(batch, tokens, rows);
        }

        return _active.Count > 0 || _groups.Count > 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        CancelAll();
        _session.Dispose();
    }

    private int MaxTokens(int prompt, GenerationOptions options)
    {
        var context = _model.Config.MaxPositions;
        var room = Math.Min(context, (_pages - 1) * KeyValueCache.PageTokens) - prompt;
        var wanted = options.MaxTokens ?? Math.Max(room, 1);
        if (prompt + (long)wanted > context)
        {
            throw new ArgumentException(
                $"The prompt has {prompt} tokens and the completion may have {wanted}, but the context of this model holds {context}. "
                    + $"Shorten the prompt, or ask for fewer tokens."
            );
        }

        var pages = PromptGroup.Pages(prompt + wanted) + 1;
        return pages <= _pages
            ? wanted
            : throw new ArgumentException(
                $"The prompt has {prompt} tokens and the completion may have {wanted}, which takes {pages} pages of the cache, but there "
                    + $"are {_pages}. Make the generator with more tokens in its cache."
            );
    }

    private CompletionText? TextOf(GenerationOptions options) =>
        _tokenizer is null ? null : new CompletionText(_tokenizer.CreateStreamingDecoder(), options.Stop);

    /// <summary>Begins a prompt when the cache can hold it and one completion of it to the end.</summary>
    private bool Open(PromptGroup group)
    {
        if (group.Sequence is null)
        {
            if (_reserved + group.PromptPages + group.CompletionPages > _pages)
            {
                return false;
            }

            group.Sequence = _session.Start();
            _reserved += group.PromptPages;
        }

        return true;
    }

    /// <summary>
    /// Draws the first token of completions whose prompt is read, as many as have room in the batch and can be held to the end.
    /// </summary>
    private void Seat()
    {
        for (var i = 0; i < _groups.Count; i++)
        {
            var group = _groups[i];
            while (
                group.Logits is not null
                && _active.Count < _options.MaxBatch
                && _reserved + group.CompletionPages <= _pages
                && group.Waiting.TryDequeue(out var completion)
            )
            {
                Draw(completion, group.Logits);
                if (completion.FinishReason is null)
                {
                    _active.Add((completion, group.Sequence!.Fork()));
                    _reserved += group.CompletionPages;
                    group.Decoding++;
                }
            }

            if (TryClose(group))
            {
                i--;
            }
        }
    }

    private void Forward(int batch, int tokens, int rows)
    {
        var vocabulary = _model.Config.VocabularySize;
        if (_logits.Length < (rows * vocabulary) + Lanes.Count)
        {
            _logits = new float[(rows * vocabulary) + Lanes.Count];
        }

        var decoded = _active.Count;
        _session.Forward(
            _sequences.AsSpan(0, batch),
            _counts.AsSpan(0, batch),
            _tokens.AsSpan(0, tokens),
            _positions.AsSpan(0, rows),
            _logits.AsSpan(0, rows * vocabulary)
        );
        for (var row = decoded; row < rows; row++)
        {
            // Kept apart, because completions may take their turn later.
            _read[row]!.Logits = new float[vocabulary];
            _logits.AsSpan(row * vocabulary, vocabulary).CopyTo(_read[row]!.Logits);
        }

        for (var row = decoded - 1; row >= 0; row--)
        {
            fixed (float* logits = &_logits[row * vocabulary])
            {
                var completion = _active[row].Completion;
                Draw(completion, logits);
                if (completion.FinishReason is not null)
                {
                    Leave(row);
                }
            }
        }

        Seat();
    }

    private void Draw(Completion completion, float[] logits)
    {
        if (_logits.Length < logits.Length + Lanes.Count)
        {
            _logits = new float[logits.Length + Lanes.Count];
        }

        logits.CopyTo(_logits, 0);
        fixed (float* copy = _logits)
        {
            Draw(completion, copy);
        }
    }

    private void Draw(Completion completion, float* logits)
    {
        var (id, logProbability) = _sampler.Sample(logits, completion.Group.Options, completion.Random, completion.Allowed());
        completion.Add(id, logProbability);
    }

    private void Leave(int row)
    {
        var (completion, sequence) = _active[row];
        _active.RemoveAt(row);
        sequence.Dispose();
        _reserved -= completion.Group.CompletionPages;
        completion.Group.Decoding--;
    }

    private bool TryClose(PromptGroup group)
    {
        if (group.Waiting.Count > 0 || group.Decoding > 0)
        {
            return false;
        }

        if (group.Sequence is not null)
        {
            group.Sequence.Dispose();
            _reserved -= group.PromptPages;
        }

        _groups.Remove(group);
        return true;
    }

    private void DropCancelled()
    {
        for (var row = _active.Count - 1; row >= 0; row--)
        {
            if (_active[row].Completion.IsCancelled)
            {
                _active[row].Completion.End(FinishReason.Cancelled);
                Leave(row);
            }
        }

        for (var i = _groups.Count - 1; i >= 0; i--)
        {
            var group = _groups[i];
            for (var left = group.Waiting.Count; left > 0; left--)
            {
                var completion = group.Waiting.Dequeue();
                if (completion.IsCancelled)
                {
                    completion.End(FinishReason.Cancelled);
                }
                else
                {
                    group.Waiting.Enqueue(completion);
                }
            }

            TryClose(group);
        }
    }

    private void CancelAll()
    {
        foreach (var (completion, _) in _active)
        {
            completion.Cancel();
        }

        foreach (var completion in _groups.SelectMany(group => group.Waiting))
        {
            completion.Cancel();
        }

        DropCancelled();
        Debug.Assert(_reserved == 0 && _groups.Count == 0, "Every page reserved is given back.");
    }
}
