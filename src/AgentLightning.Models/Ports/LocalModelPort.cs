using AgentLightning.Models.Architectures;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Generation;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Objectives.Sequences;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Ports;

/// <summary>A model in this process. Calls compute before they return.</summary>
public sealed class LocalModelPort : IModelPort
{
    private readonly LocalPortOptions _options;
    private readonly ValueHead? _values;
    private ParameterOptimizer? _optimizer;
    private PolicyStep? _step,
        _reference;
    private Generator? _generator;
    private int _capacity;

    /// <param name="policy">What learns; it is not disposed with the port. An adapter must be attached when it is called.</param>
    public LocalModelPort(LanguagePolicy policy, LocalPortOptions options)
    {
        (Policy, _options) = (policy, options);
        _values = options.HasValues ? new ValueHead(policy.Model.Config) : null;
        Limits = new ModelLimits(policy.Model.Config.VocabularySize, policy.Model.Config.MaxPositions);
    }

    /// <inheritdoc/>
    public ModelLimits Limits { get; }

    internal LanguagePolicy Policy { get; }

    /// <summary>Operations that the model, and its reference, were asked for in learning so far.</summary>
    internal double Flops => (_step?.Flops ?? 0) + (_reference?.Flops ?? 0);

    // What learning takes is made when it is first used: a model that is only sampled from has none of it.
    internal ParameterOptimizer Optimizer =>
        _optimizer ??= new ParameterOptimizer([.. Policy.Parameters, .. _values?.Parameters ?? []], Policy.Compute, new AdamW());

    private PolicyStep Learning => _step ??= StepOf(Policy.Model, _values);

    private PolicyStep Reference => Policy.Reference is null ? Learning : _reference ??= StepOf(Policy.Reference, null);

    /// <inheritdoc/>
    public void Check(ISequenceObjective objective, float temperature)
    {
        if (objective.Needs.HasFlag(SequenceNeeds.Values) && _values is null)
        {
            throw new ArgumentException("This objective needs values, but the port was made without.");
        }

        if (temperature != _options.Temperature)
        {
            throw new ArgumentException(
                FormattableString.Invariant(
                    $"Log-probabilities are computed at temperature {_options.Temperature} here, but they are asked for at {temperature}."
                )
            );
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<IReadOnlyList<SampledTokens>>> SampleAsync(
        IReadOnlyList<SamplingRequest> requests,
        CancellationToken cancellationToken
    )
    {
        var generator = GeneratorFor(requests);
        IReadOnlyList<Completion>[] completions;
        try
        {
            completions = [.. requests.Select(request => generator.Add(request.Prompt, request.Options, request.Count))];
            generator.Run(cancellationToken);
        }
        catch
        {
            // What was added before the one that is wrong must not be run with the next.
            generator.Dispose();
            _generator = null;
            throw;
        }

        return Task.FromResult<IReadOnlyList<IReadOnlyList<SampledTokens>>>([
            .. completions.Select(group =>
                (IReadOnlyList<SampledTokens>)
                    [.. group.Select(one => new SampledTokens(one.TokenIds, one.LogProbabilities, one.Text, one.FinishReason!.Value))]
            ),
        ]);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<TokenScores>> ScoreAsync(
        IReadOnlyList<TokenSequence> sequences,
        ScoredBy by,
        CancellationToken cancellationToken
    )
    {
        var scores = new List<TokenScores>(sequences.Count);
        var known = Known(sequences);
        if (by == ScoredBy.Policy)
        {
            Score(Learning);
        }
        else
        {
            Policy.WithReference(_ => Score(Reference));
        }

        return Task.FromResult<IReadOnlyList<TokenScores>>(scores);

        void Score(PolicyStep step) =>
            step.Score(known, (_, logProbabilities, values) => scores.Add(new TokenScores(logProbabilities, values)));
    }

    /// <inheritdoc/>
    public Task<TrainingPass> ForwardBackwardAsync(
        IReadOnlyList<TokenSequence> sequences,
        ISequenceObjective objective,
        int maxTokens,
        MetricSums metrics,
        CancellationToken cancellationToken
    )
    {
        var observed = new ObservedObjective(objective);
        var logProbabilities = new float[sequences.Count][];
        var loss = Learning.AddGradient(Known(sequences), observed, maxTokens, metrics, logProbabilities);
        return Task.FromResult(new TrainingPass(loss, logProbabilities, observed.Entropy));
    }

    /// <inheritdoc/>
    public Task<double?> StepAsync(AdamStep update, CancellationToken cancellationToken) =>
        Task.FromResult<double?>(Optimizer.Step(update.Rule, update.LearningRate, update.ClipNorm));

    /// <inheritdoc/>
    public async Task<string> SaveAsync(string name, CancellationToken cancellationToken)
    {
        var path = Path.Combine(_options.Folder ?? throw new ArgumentException("This port was made without a folder to save to."), name);
        await AtomicFolder
            .WriteAsync(path, folder => OptimizerState.WriteAsync(Optimizer, folder, cancellationToken))
            .ConfigureAwait(false);
        return path;
    }

    /// <inheritdoc/>
    public Task LoadAsync(string path, CancellationToken cancellationToken)
    {
        AtomicFolder.Recover(path);
        OptimizerState.Read(Optimizer, path);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task DeleteAsync(string path, CancellationToken cancellationToken)
    {
        Directory.Delete(path, recursive: true);
        return Task.CompletedTask;
    }

    /// <summary>The numbers of all that is trained, as they are now.</summary>
    public IReadOnlyList<float[]> CopyWeights() =>
        [
            .. Policy.Parameters.Select(parameter =>
            {
                var values = new float[parameter.Count];
                parameter.Read(0, values);
                return values;
            }),
        ];

    /// <summary>Brings back what <see cref="CopyWeights"/> gave.</summary>
    public void SetWeights(IReadOnlyList<float[]> weights)
    {
        foreach (var (parameter, values) in Policy.Parameters.Zip(weights))
        {
            parameter.Write(0, values);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _generator?.Dispose();
        _step?.Dispose();
        _reference?.Dispose();
        _optimizer?.Dispose();
        _values?.Dispose();
        return ValueTask.CompletedTask;
    }

    private PolicyStep StepOf(Transformer model, ValueHead? values) =>
        new(model, Policy.Compute, values, _options.TokensAtOnce, _options.Temperature, _options.Checkpointing, _options.SharePrompts);

    private List<LearningSequence> Known(IReadOnlyList<TokenSequence> sequences)
    {
        var known = new List<LearningSequence>(sequences.Count);
        foreach (var sequence in sequences)
        {
            TokenChecks.Ids(Policy.Model.Config, sequence.Tokens, "token");
            if (sequence.Mistake() is { } mistake)
            {
                throw new ArgumentException(mistake);
            }

            var one = new LearningSequence(sequence.Tokens, sequence.Drawn, sequence.Old)
            {
                Reference = sequence.Reference,
                IsSecond = sequence.IsSecond,
            };
            sequence.Advantages.CopyTo(one.Advantages, 0);
            sequence.Values.CopyTo(one.Values, 0);
            sequence.Returns.CopyTo(one.Returns, 0);
            known.Add(one);
        }

        return known;
    }

    /// <summary>One whose cache holds all that is decoded together, where memory allows; it is kept while that is enough.</summary>
    private Generator GeneratorFor(IReadOnlyList<SamplingRequest> requests)
    {
        var batch = Math.Min(_options.CompletionsAtOnce, requests.Sum(request => request.Count));
        // A page more for each sequence, which begins one.
        var each = requests.Max(request => request.Prompt.Length + (request.Options.MaxTokens ?? Policy.Model.Config.MaxPositions)) + 32;
        var needed = (batch + Math.Min(requests.Count, batch)) * each;
        if (_generator is null || needed > _capacity)
        {
            _generator?.Dispose();
            _capacity = needed;
            _generator = new Generator(
                Policy.Model,
                Policy.Compute,
                Policy.Tokenizer,
                new GeneratorOptions { MaxBatch = _options.CompletionsAtOnce, CacheTokens = needed }
            );
        }

        return _generator;
    }
}
