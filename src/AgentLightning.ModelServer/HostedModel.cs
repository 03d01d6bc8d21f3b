using AgentLightning.Models.Adapters;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Ports;
using AgentLightning.Models.Ports.Tinker;

namespace AgentLightning.ModelServer;

/// <summary>Weights that were kept to be sampled from.</summary>
/// <param name="Version">Which of the model's weights they are.</param>
internal sealed record Sampler(HostedModel Model, int Version, IReadOnlyList<float[]> Weights)
{
    public SeenRequests Seen { get; } = new(ordered: false);
}

/// <summary>A model in training: an adapter on the model that is served, or all of its weights.</summary>
internal sealed class HostedModel : IAsyncDisposable
{
    private const int MostSamplers = 8;
    private readonly LanguagePolicy _policy;
    private readonly Dictionary<string, Sampler> _samplers = new(StringComparer.Ordinal);
    private readonly Queue<string> _order = new();
    private readonly IReadOnlyList<float[]>? _before;
    private int _version;

    /// <param name="folder">For its checkpoints.</param>
    public HostedModel(string id, string session, LanguagePolicy policy, LoraConfig? lora, int completionsAtOnce, string folder)
    {
        (Id, Session, Lora, Folder, _policy) = (id, session, lora, folder, policy);
        Activate();
        if (policy.Adapter is { } adapter)
        {
            adapter.Train(true);
        }
        else
        {
            policy.Model.Train(true);
        }

        // The wire does not say where a prompt ends, so there is none to share.
        Port = new LocalModelPort(
            policy,
            new LocalPortOptions
            {
                CompletionsAtOnce = completionsAtOnce,
                SharePrompts = false,
                Folder = Path.Combine(folder, "weights"),
            }
        );
        _before = policy.Adapter is null ? Port.CopyWeights() : null;
    }

    public string Id { get; }

    public string Session { get; }

    public LoraConfig? Lora { get; }

    public string Folder { get; }

    public LocalModelPort Port { get; }

    public SeenRequests Seen { get; } = new(ordered: true);

    /// <summary>Lets the model that is served compute with this one's adapter.</summary>
    public void Activate() => _policy.Adapter?.Attach();

    public void Deactivate() => _policy.Adapter?.Detach();

    /// <summary>The weights are no longer those that were kept last.</summary>
    public void Changed() => _version++;

    public Sampler? FindSampler(string name)
    {
        lock (_samplers)
        {
            return _samplers.GetValueOrDefault(name);
        }
    }

    /// <summary>Keeps the weights as they are; of many, the oldest go.</summary>
    public void KeepSampler(string name)
    {
        var sampler = new Sampler(this, _version, Port.CopyWeights());
        lock (_samplers)
        {
            if (!_samplers.ContainsKey(name))
            {
                _order.Enqueue(name);
            }

            _samplers[name] = sampler;
            if (_order.Count > MostSamplers)
            {
                _samplers.Remove(_order.Dequeue());
            }
        }
    }

    /// <summary>Writes what can be downloaded.</summary>
    public Task ExportAsync(string name, string modelFolder, string modelName, CancellationToken cancellationToken)
    {
        var folder = Path.Combine(Folder, "sampler_weights", name);
        return _policy.Adapter is { } adapter
            ? PeftFolder.SaveAsync(adapter, folder, modelName, cancellationToken)
            : HuggingFaceFolder.SaveAsync(_policy.Model, folder, copyFrom: modelFolder, cancellationToken: cancellationToken);
    }

    /// <summary>Draws by weights that were kept, whatever has been learned since.</summary>
    public async Task<IReadOnlyList<IReadOnlyList<SampledTokens>>> SampleAsync(
        Sampler sampler,
        IReadOnlyList<SamplingRequest> requests,
        CancellationToken cancellationToken
    )
    {
        if (sampler.Version == _version)
        {
            return await Port.SampleAsync(requests, cancellationToken);
        }

        var now = Port.CopyWeights();
        Port.SetWeights(sampler.Weights);
        try
        {
            return await Port.SampleAsync(requests, cancellationToken);
        }
        finally
        {
            Port.SetWeights(now);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_before is not null)
        {
            Port.SetWeights(_before);
            _policy.Model.Train(false);
        }

        await Port.DisposeAsync();
        _policy.Adapter?.Dispose();
    }
}
