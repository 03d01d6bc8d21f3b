using System.Security.Cryptography;
using System.Text.Json;
using AgentLightning.Engine;
using AgentLightning.Models.Adapters;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Ports;
using AgentLightning.Models.Ports.Tinker;
using AgentLightning.Models.Tensors;
using AgentLightning.Models.Tokenizers;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AgentLightning.ModelServer;

/// <summary>A request for samples that waits with others for the same weights.</summary>
internal sealed record SampleWork(string Promise, Sampler Sampler, SamplingRequest Request)
    : Work(Promise, _ => throw new InvalidOperationException("Samples are drawn together."), Sampler, Request.Count);

/// <summary>
/// The model that is served, the models that clients train on it, and the one thread of work that computes. What changes a model happens
/// there, in the order of the requests.
/// </summary>
internal sealed partial class ModelHost : BackgroundService
{
    private readonly LanguageModel _base;
    private readonly Tokenizer? _tokenizer;
    private readonly TimeProvider _clock;
    private readonly ILogger<ModelHost> _logger;
    private readonly WorkQueue _queue = new();
    private readonly Lock _models = new();
    private readonly Dictionary<string, HostedModel> _byId = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DateTimeOffset> _sessions = new(StringComparer.Ordinal);
    private readonly bool _temporary;
    private HostedModel? _active;
    private bool _disposed;

    public ModelHost(ModelServerOptions options, TimeProvider clock, ILogger<ModelHost> logger, CancellationToken cancellationToken)
    {
        (Options, _clock, _logger, _temporary) = (options, clock, logger, options.CheckpointFolder is null);
        _base = LanguageModel.Load(
            options.ModelFolder,
            null,
            options.Threads,
            options.AllWeights ? StoredType.F32 : null,
            cancellationToken
        );
        _tokenizer = LanguageModel.TryLoadTokenizer(options.ModelFolder);
        Folder = Path.GetFullPath(options.CheckpointFolder ?? Directory.CreateTempSubdirectory("lightning-checkpoints-").FullName);
    }

    public ModelServerOptions Options { get; }

    public Futures Futures { get; } = new();

    public string Folder { get; }

    public ModelLimits Limits => new(_base.Model.Config.VocabularySize, _base.Model.Config.MaxPositions);

    private int CompletionsAtOnce
    {
        get
        {
            // A cache of keys and values of about 1 GB, were all of them as long as they can be.
            var config = _base.Model.Config;
            var bytes = 8.0 * config.Layers * config.KeyValueHeads * config.HeadWidth * config.MaxPositions;
            return (int)Math.Clamp(1e9 / bytes, 1, 256);
        }
    }

    public string OpenSession()
    {
        var id = $"session_{RandomNumberGenerator.GetHexString(16, lowercase: true)}";
        lock (_models)
        {
            foreach (var old in _sessions.Where(session => IsLost(session.Key)).Select(session => session.Key).ToList())
            {
                if (_byId.Values.All(model => model.Session != old))
                {
                    _sessions.Remove(old);
                }
            }

            if (_sessions.Count >= 10_000)
            {
                throw TinkerRefusal.Busy("There are too many sessions. Open one later.");
            }

            _sessions[id] = _clock.GetUtcNow();
        }

        return id;
    }

    public void Touch(string session)
    {
        lock (_models)
        {
            _sessions[session] = _sessions.ContainsKey(session)
                ? _clock.GetUtcNow()
                : throw TinkerRefusal.NotFound("There is no such session.");
        }
    }

    /// <summary>The model of an id, whose session thereby shows that it lives.</summary>
    public HostedModel Find(string id)
    {
        lock (_models)
        {
            var model = _byId.GetValueOrDefault(id)
                ?? throw TinkerRefusal.NotFound(
                    "There is no such model. One without a sign of life makes room for others: create it again and load its weights."
                );
            _sessions[model.Session] = _clock.GetUtcNow();
            return model;
        }
    }

    public Sampler FindSampler(string session)
    {
        lock (_models)
        {
            return _byId.Values.Select(model => model.FindSampler(session)).FirstOrDefault(sampler => sampler is not null)
                ?? throw TinkerRefusal.NotFound(
                    "There are no such weights to sample from; of each model only the last few are kept. Save them again."
                );
        }
    }

    /// <summary>Promises a result that work on a model gives.</summary>
    public string Promise(HostedModel model, long? number, ReadOnlySpan<byte> body, Func<CancellationToken, Task<object>> run)
    {
        lock (model.Seen)
        {
            return model.Seen.Take(number, body, Futures.IsKept, () => Enqueue(promise => new Work(promise, cancellationToken =>
                {
                    Activate(model);
                    return run(cancellationToken);
                })));
        }
    }

    /// <summary>Promises samples.</summary>
    public string Promise(Sampler sampler, long? number, ReadOnlySpan<byte> body, SamplingRequest request)
    {
        lock (sampler.Seen)
        {
            return sampler.Seen.Take(number, body, Futures.IsKept, () => Enqueue(promise => new SampleWork(promise, sampler, request)));
        }
    }

    /// <summary>Promises a model.</summary>
    public (string Promise, string Model) PromiseModel(string session, LoraConfig? lora)
    {
        Touch(session);
        if (lora is null && !Options.AllWeights)
        {
            throw TinkerRefusal.Invalid(
                "This server trains adapters: send 'lora_config'. To train all weights it must be started with --full."
            );
        }

        var adapter = lora is null ? null : LoraTargets.Of(_base.Model, lora);
        var id = $"model_{RandomNumberGenerator.GetHexString(16, lowercase: true)}";
        return (Enqueue(promise => new Work(promise, async _ =>
            {
                await MakeRoomAsync(all: lora is null);
                Deactivate();
                var seed = lora?.Seed ?? Random.Shared.NextInt64(1L << 31);
                var made = adapter is null ? null : Adapter.Create(_base.Model, adapter, seed);
                _active = new HostedModel(
                    id,
                    session,
                    new LanguagePolicy(_base.Model, _base.Compute, made, _tokenizer),
                    lora,
                    CompletionsAtOnce,
                    Path.Combine(Folder, id)
                );
                lock (_models)
                {
                    _byId[id] = _active;
                }

                // There is no adapter on the output layer, whatever was asked for.
                return new ModelMade(
                    id,
                    Options.Name,
                    lora is null ? null : lora with { Seed = seed, TrainUnembed = false, Alpha = adapter!.Alpha }
                );
            })), id);
    }

    /// <summary>Promises to forget a model.</summary>
    public string PromiseUnload(HostedModel model) => Enqueue(promise => new Work(promise, async _ =>
        {
            await ForgetAsync(model);
            return new { model_id = model.Id, type = "unload_model" };
        }));

    public override void Dispose()
    {
        base.Dispose();
        if (Interlocked.Exchange(ref _disposed, true))
        {
            return;
        }

        // Memory must not go while something is still computed in it.
        ExecuteTask?.GetAwaiter().GetResult();
        foreach (var model in _byId.Values)
        {
            model.Deactivate();
            model.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }

        _byId.Clear();
        _base.Dispose();
        _queue.Dispose();
        if (_temporary && Directory.Exists(Folder))
        {
            Directory.Delete(Folder, recursive: true);
        }
    }

    /// <summary>Computes on a thread of its own: a step takes as long as it takes.</summary>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.Run(
            async () =>
            {
                while (!stoppingToken.IsCancellationRequested)
                {
                    IReadOnlyList<Work> works;
                    try
                    {
                        works = await _queue.NextAsync(stoppingToken);
                    }
                    catch (OperationCanceledException)
                    {
                        return;
                    }

                    try
                    {
                        if (works[0] is SampleWork first)
                        {
                            Activate(first.Sampler.Model);
                            var samples = await first.Sampler.Model.SampleAsync(
                                first.Sampler,
                                [.. works.Select(work => ((SampleWork)work).Request)],
                                stoppingToken
                            );
                            foreach (var (work, drawn) in works.Zip(samples))
                            {
                                Futures.Keep(work.Promise, new SampleMade([.. drawn.Select(TinkerSampling.Of)]));
                            }
                        }
                        else
                        {
                            Futures.Keep(works[0].Promise, await works[0].Run(stoppingToken));
                        }
                    }
                    catch (Exception e)
                    {
                        var outcome = TinkerErrors.OutcomeOf(e);
                        if (outcome.Status == 500)
                        {
                            LogFailure(_logger, e);
                        }

                        // A result that is a failure is one for good: only an end of the server may be asked about again.
                        outcome = outcome.Status == 503 ? outcome : outcome with { Status = 400 };

                        foreach (var work in works)
                        {
                            Futures.Keep(work.Promise, outcome);
                        }
                    }
                }
            },
            CancellationToken.None
        );

    private string Enqueue(Func<string, Work> make)
    {
        var promise = Futures.Promise();
        _queue.Add(make(promise));
        return promise;
    }

    private void Activate(HostedModel model)
    {
        lock (_models)
        {
            if (!_byId.ContainsKey(model.Id))
            {
                throw TinkerRefusal.NotFound("The model was forgotten before its turn came.");
            }
        }

        if (_active != model)
        {
            Deactivate();
            model.Activate();
            _active = model;
        }
    }

    private void Deactivate()
    {
        _active?.Deactivate();
        _active = null;
    }

    /// <summary>Forgets models of sessions that gave no sign of life, where there is no room for another.</summary>
    /// <param name="all">Whether the other trains all weights, and must be alone.</param>
    private async Task MakeRoomAsync(bool all)
    {
        List<HostedModel> lost;
        int most;
        lock (_models)
        {
            most = all || _byId.Values.Any(model => model.Lora is null) ? 1 : Options.MaxModels;
            lost = [.. _byId.Values.Where(model => IsLost(model.Session)).OrderBy(model => _sessions.GetValueOrDefault(model.Session))];
        }

        foreach (var model in lost.Take(Math.Max(0, _byId.Count + 1 - most)))
        {
            await ForgetAsync(model);
        }

        if (_byId.Count >= most)
        {
            throw TinkerRefusal.Busy(
                most == 1
                    ? "Another model is in training here, and one that trains all weights must be alone. It makes room when it is "
                        + "unloaded, or has given no sign of life for long."
                    : $"{_byId.Count} models are in training here, as many as may be. One makes room when it is unloaded, or has given no "
                        + $"sign of life for long."
            );
        }
    }

    private async Task ForgetAsync(HostedModel model)
    {
        if (_active == model)
        {
            Deactivate();
        }

        lock (_models)
        {
            _byId.Remove(model.Id);
        }

        await model.DisposeAsync();
    }

    private bool IsLost(string session) => _clock.GetUtcNow() - _sessions.GetValueOrDefault(session) > Options.SessionTimeout;

    [LoggerMessage(Level = LogLevel.Error, Message = "What was asked for could not be computed")]
    private static partial void LogFailure(ILogger logger, Exception exception);
}
