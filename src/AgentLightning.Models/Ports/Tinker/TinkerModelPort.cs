using System.Formats.Tar;
using System.IO.Compression;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Generation;
using AgentLightning.Models.Objectives.Sequences;
using AgentLightning.Models.Tokenizers;

namespace AgentLightning.Models.Ports.Tinker;

/// <summary>
/// A model on another machine, over HTTP in the shape of the Tinker API: a hosted service, a server of one's own, or <c>lightning model
/// serve</c>. Losses, gradients and updates are made there; what the objective tells of them is computed here, from the log-probabilities
/// that come back.
/// </summary>
public sealed class TinkerModelPort : IModelPort
{
    private readonly TinkerOptions _options;
    private readonly TinkerConnection _connection;
    private readonly Tokenizer? _tokenizer;
    private readonly SessionPulse _pulse;
    private readonly SemaphoreSlim _samples;
    private readonly string _model,
        _baseModel;
    private readonly int _seedBits;
    private long _requests,
        _samplers,
        _drawn;
    private Kept? _sampler;

    private TinkerModelPort(
        TinkerOptions options,
        TinkerConnection connection,
        Tokenizer? tokenizer,
        SessionPulse pulse,
        string model,
        string baseModel,
        ServerCapabilities capabilities
    )
    {
        (_options, _connection, _tokenizer, _pulse, _model, _baseModel) = (options, connection, tokenizer, pulse, model, baseModel);
        _seedBits = capabilities.SeedBits ?? 31;
        _samples = new SemaphoreSlim(options.SamplesAtOnce);
        var known = capabilities.SupportedModels.FirstOrDefault(supported => supported.ModelName == baseModel);
        Limits = new ModelLimits(known?.VocabularySize, known?.MaxContextLength);
    }

    /// <inheritdoc/>
    public ModelLimits Limits { get; }

    /// <summary>Makes a model at the server.</summary>
    /// <param name="tokenizer">Of the model, for texts and stop strings; null when tasks are judged by token ids.</param>
    /// <exception cref="ArgumentException">The server does not have such a model.</exception>
    /// <exception cref="TinkerException">The server cannot be reached, or will not.</exception>
    public static async Task<TinkerModelPort> CreateAsync(
        TinkerOptions options,
        Tokenizer? tokenizer,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        var connection = new TinkerConnection(options, clock);
        try
        {
            var capabilities = await connection
                .GetAsync<ServerCapabilities>("get_server_capabilities", cancellationToken)
                .ConfigureAwait(false);
            var names = capabilities.SupportedModels.Select(model => model.ModelName).OfType<string>().ToList();
            var baseModel = options.BaseModel
                ?? (
                    names.Count == 1
                        ? names[0]
                        : throw new ArgumentException(
                            $"The server has {names.Count} models, so one must be named: {string.Join(", ", names)}."
                        )
                );
            if (!names.Contains(baseModel))
            {
                throw new ArgumentException($"The server has no model '{baseModel}'. It has: {string.Join(", ", names)}.");
            }

            var session = await connection
                .PostAsync<SessionMade>("create_session", new CreateSession([], "agent-lightning-dotnet"), cancellationToken)
                .ConfigureAwait(false);
            var made = await connection
                .DoAsync<ModelMade>("create_model", new CreateModel(session.SessionId, 0, baseModel, options.Lora), cancellationToken)
                .ConfigureAwait(false);
            return new TinkerModelPort(
                options,
                connection,
                tokenizer,
                new SessionPulse(connection, session.SessionId, options.HeartbeatEvery, clock),
                made.ModelId,
                baseModel,
                capabilities
            );
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Check(ISequenceObjective objective, float temperature)
    {
        TinkerLoss.Of(objective);
        TinkerLoss.CheckTemperature(temperature);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<IReadOnlyList<SampledTokens>>> SampleAsync(
        IReadOnlyList<SamplingRequest> requests,
        CancellationToken cancellationToken
    )
    {
        _sampler ??= await _connection
            .DoInTurnAsync<Kept>(
                "save_weights_for_sampler",
                new SaveWeightsForSampler(_model, SamplingSessionSeqId: _samplers++, SeqId: _requests++),
                cancellationToken
            )
            .ConfigureAwait(false);
        return await Task.WhenAll(requests.Select(request => SampleAsync(request, _sampler, _drawn++, cancellationToken)))
            .ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<TokenScores>> ScoreAsync(
        IReadOnlyList<TokenSequence> sequences,
        ScoredBy by,
        CancellationToken cancellationToken
    )
    {
        if (by == ScoredBy.Reference)
        {
            TinkerLoss.Of(new GroupPolicyLoss(Beta: 1));
        }

        var scoring = Parts(sequences)
            .Select(part =>
                _connection.DoInTurnAsync<LossOutput>(
                    "forward",
                    new Forward(_model, Input(part, new TinkerLoss(TinkerLoss.CrossEntropy), _ => 1), _requests++),
                    cancellationToken
                )
            )
            .ToList();
        var outputs = (await Task.WhenAll(scoring).ConfigureAwait(false)).SelectMany(output => output.LossFnOutputs).ToList();
        return [.. LogProbabilities(sequences, outputs).Select(values => new TokenScores(values, []))];
    }

    /// <inheritdoc/>
    public async Task<TrainingPass> ForwardBackwardAsync(
        IReadOnlyList<TokenSequence> sequences,
        ISequenceObjective objective,
        int maxTokens,
        MetricSums metrics,
        CancellationToken cancellationToken
    )
    {
        if (sequences.Select(sequence => sequence.Mistake()).FirstOrDefault(mistake => mistake is not null) is { } mistake)
        {
            throw new ArgumentException(mistake);
        }

        var (loss, weight) = TinkerLoss.Of(objective);
        var whole = new UpdateSize(sequences.Count, sequences.Sum(sequence => sequence.Drawn.Length), maxTokens);
        var passing = Parts(sequences)
            .Select(part =>
                _connection.DoInTurnAsync<LossOutput>(
                    "forward_backward",
                    new ForwardBackward(_model, Input(part, loss, sequence => weight(sequence.Drawn.Length, whole)), _requests++),
                    cancellationToken
                )
            )
            .ToList();
        var outputs = await Task.WhenAll(passing).ConfigureAwait(false);
        var logProbabilities = LogProbabilities(sequences, [.. outputs.SelectMany(output => output.LossFnOutputs)]);
        var entropies = outputs
            .Select(output => output.Metrics?.TryGetValue("entropy:mean", out var entropy) == true ? entropy : (double?)null)
            .ToList();
        var told = entropies.Any(entropy => entropy is null) ? null : entropies.Average();
        if (told is not null)
        {
            metrics.Mean("entropy", told.Value, 1);
        }

        return new TrainingPass(Tell(sequences, logProbabilities, objective, whole, metrics), logProbabilities, told);
    }

    /// <inheritdoc/>
    public async Task<double?> StepAsync(AdamStep update, CancellationToken cancellationToken)
    {
        _sampler = null;
        var adam = new AdamParams(
            update.LearningRate,
            update.Rule.Beta1,
            update.Rule.Beta2,
            update.Rule.Epsilon,
            update.Rule.WeightDecay,
            double.IsFinite(update.ClipNorm) ? update.ClipNorm : 0
        );
        var made = await _connection
            .DoInTurnAsync<OptimStepMade>("optim_step", new OptimStep(_model, adam, _requests++), cancellationToken)
            .ConfigureAwait(false);
        // Servers have different names for it, or none.
        return made
            .Metrics?.Where(metric => metric.Key.EndsWith("grad_norm", StringComparison.Ordinal))
            .Select(metric => (double?)metric.Value)
            .FirstOrDefault();
    }

    /// <inheritdoc/>
    public async Task<string> SaveAsync(string name, CancellationToken cancellationToken)
    {
        var kept = await _connection
            .DoInTurnAsync<Kept>("save_weights", new SaveWeights(_model, name, _requests++), cancellationToken)
            .ConfigureAwait(false);
        return kept.Path ?? throw new TinkerException("The server saved the weights, but did not say where.");
    }

    /// <inheritdoc/>
    public Task LoadAsync(string path, CancellationToken cancellationToken)
    {
        _sampler = null;
        return _connection.DoInTurnAsync<Kept>("load_weights", new LoadWeights(_model, path, _requests++), cancellationToken);
    }

    /// <inheritdoc/>
    public Task DeleteAsync(string path, CancellationToken cancellationToken)
    {
        string[] parts = path.Split('/');
        return path.StartsWith("tinker://", StringComparison.Ordinal) && parts.Length == 5
            ? _connection.DeleteAsync($"training_runs/{parts[2]}/checkpoints/{parts[3]}/{parts[4]}", cancellationToken)
            : throw new ArgumentException($"A path should be tinker://MODEL/weights/NAME, but it is '{path}'.");
    }

    /// <summary>Fetches the adapter, or the model, as a folder that others read too; an earlier folder is replaced.</summary>
    public async Task ExportAsync(string folder, CancellationToken cancellationToken)
    {
        var name = $"export-{_requests}";
        await _connection
            .DoInTurnAsync<Kept>("save_weights_for_sampler", new SaveWeightsForSampler(_model, name, SeqId: _requests++), cancellationToken)
            .ConfigureAwait(false);
        await _connection
            .ReadAsync($"training_runs/{_model}/checkpoints/{name}/archive", archive => AtomicFolder.WriteAsync(folder, async path =>
                    {
                        var unpacked = new GZipStream(archive, CompressionMode.Decompress);
                        await using (unpacked.ConfigureAwait(false))
                        {
                            await TarFile
                                .ExtractToDirectoryAsync(unpacked, path, overwriteFiles: false, cancellationToken)
                                .ConfigureAwait(false);
                        }
                    }), cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>What is trained, for whoever must tell one run from another.</summary>
    public override string ToString() => $"{_baseModel} {_options.Lora}";

    /// <summary>Lets the server forget the model, so that there is room for another; what was saved stays.</summary>
    public async ValueTask DisposeAsync()
    {
        await _pulse.DisposeAsync().ConfigureAwait(false);
        await _connection.TellAsync("unload_model", new UnloadModel(_model)).ConfigureAwait(false);
        _samples.Dispose();
        _connection.Dispose();
    }

    private async Task<IReadOnlyList<SampledTokens>> SampleAsync(
        SamplingRequest request,
        Kept sampler,
        long number,
        CancellationToken cancellationToken
    )
    {
        await _samples.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var session = sampler.SamplingSessionId;
            var sample = new Sample(
                new ModelInput([new InputChunk(request.Prompt)]),
                TinkerSampling.Of(request.Options, _tokenizer, _seedBits),
                request.Count,
                ModelPath: session is null ? sampler.Path : null,
                SamplingSessionId: session,
                SeqId: number
            );
            var made = await _connection.DoAsync<SampleMade>("asample", sample, cancellationToken).ConfigureAwait(false);
            return made.Sequences.Count == request.Count
                ? [.. made.Sequences.Select(sequence => TinkerSampling.Read(sequence, request.Options, _tokenizer))]
                : throw new TinkerException($"The server was asked for {request.Count} continuations, but gave {made.Sequences.Count}.");
        }
        finally
        {
            _samples.Release();
        }
    }

    private static LossInput Input(IEnumerable<TokenSequence> part, TinkerLoss loss, Func<TokenSequence, double> scale) =>
        new([.. part.Select(sequence => TinkerData.Of(sequence, loss.Name, scale(sequence)))], loss.Name, loss.Config);

    /// <summary>As many sequences at a time as a request may hold.</summary>
    private IEnumerable<List<TokenSequence>> Parts(IReadOnlyList<TokenSequence> sequences)
    {
        var part = new List<TokenSequence>();
        var tokens = 0;
        foreach (var sequence in sequences)
        {
            if (part.Count > 0 && tokens + sequence.Tokens.Length > _options.TokensPerRequest)
            {
                yield return part;
                (part, tokens) = ([], 0);
            }

            part.Add(sequence);
            tokens += sequence.Tokens.Length;
        }

        if (part.Count > 0)
        {
            yield return part;
        }
    }

    private static List<float[]> LogProbabilities(
        IReadOnlyList<TokenSequence> sequences,
        List<IReadOnlyDictionary<string, TensorData>> outputs
    ) =>
        outputs.Count == sequences.Count
            ? [.. sequences.Zip(outputs, TinkerData.Drawn)]
            : throw new TinkerException($"The server was given {sequences.Count} sequences, but told of {outputs.Count}.");

    /// <summary>The objective's own loss and metrics; its gradient is the server's work.</summary>
    private static double Tell(
        IReadOnlyList<TokenSequence> sequences,
        List<float[]> logProbabilities,
        ISequenceObjective objective,
        UpdateSize whole,
        MetricSums metrics
    )
    {
        var starts = new int[sequences.Count + 1];
        for (var s = 0; s < sequences.Count; s++)
        {
            starts[s + 1] = starts[s] + sequences[s].Drawn.Length;
        }

        var batch = new SequenceBatch
        {
            Starts = starts,
            LogProbabilities = logProbabilities.SelectMany(one => one).ToArray(),
            OldLogProbabilities = sequences.SelectMany(sequence => sequence.Old).ToArray(),
            Advantages = sequences.SelectMany(sequence => sequence.Advantages).ToArray(),
        };
        return objective.Evaluate(batch, whole, new SequenceGradients { LogProbabilities = new float[starts[^1]] }, metrics);
    }
}
