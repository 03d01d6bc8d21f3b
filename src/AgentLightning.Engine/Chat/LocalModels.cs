using System.Collections.Concurrent;
using Microsoft.Extensions.AI;

namespace AgentLightning.Engine.Chat;

/// <summary>
/// Language models that answer in this process. A model is loaded when the first message comes, once however many clients use it; their
/// answers are made together, in one batch; and it leaves memory when nobody has asked for a while, or when its last client is disposed.
/// Adapters of one model share its weights.
/// </summary>
/// <remarks>Safe for many threads at once. Dispose it after its clients.</remarks>
/// <param name="clock">Measures idle time and dates answers.</param>
/// <param name="random">Makes the seed of a request that has none; a shared one by default.</param>
public sealed class LocalModels(TimeProvider clock, Random? random = null) : IDisposable
{
    private readonly ConcurrentDictionary<LocalModelOptions, SharedModel> _models = new();
    private readonly WeightCache _weights = new();

    /// <summary>Models in memory now.</summary>
    public int Loaded => _models.Values.Count(model => model.IsLoaded);

    /// <summary>Whether the weights of a folder are in memory, with an adapter or without.</summary>
    public bool Holds(string folder) => _weights.Holds(Path.GetFullPath(folder));

    /// <summary>A client of a model. Nothing is read before the first message.</summary>
    public IChatClient CreateChatClient(LocalModelOptions options) => Create(options, null);

    /// <summary>A client of a model that is only read where there is room for it.</summary>
    /// <param name="beforeReading">Called each time that the weights are about to be read, also when they left memory in between; what it
    /// throws is what the message fails with.</param>
    public IChatClient CreateChatClient(LocalModelOptions options, Action beforeReading) => Create(options, beforeReading);

    private LocalChatClient Create(LocalModelOptions options, Action? beforeReading)
    {
        options.Validate();
        options = options with
        {
            Folder = Path.GetFullPath(options.Folder),
            Adapter = options.Adapter is null ? null : Path.GetFullPath(options.Adapter),
        };
        var model = _models.GetOrAdd(options, key => new SharedModel(key, _weights, clock));
        model.AddClient(beforeReading);
        return new LocalChatClient(model, clock, random ?? Random.Shared);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var model in _models.Values)
        {
            model.Dispose();
        }
    }
}
