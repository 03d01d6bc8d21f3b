using AgentLightning.Models.Architectures;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Engine.Chat;

/// <summary>
/// Weights of models that are in memory for somebody: a model with ten adapters is read once. They go with their last user. Safe for many
/// threads at once.
/// </summary>
internal sealed class WeightCache
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Folder, StoredType? Type), Entry> _entries = [];

    /// <summary>Whether the weights of a folder are in memory.</summary>
    public bool Holds(string folder)
    {
        lock (_lock)
        {
            return _entries.Any(entry => entry.Key.Folder == folder && entry.Value.Model.IsValueCreated);
        }
    }

    /// <summary>
    /// A model of its own over the shared weights, and what gives it back. Whoever is first reads the weights, and the others wait.
    /// </summary>
    public (Transformer Model, IDisposable Lease) Rent(string folder, StoredType? type, Func<Transformer> load)
    {
        Entry entry;
        lock (_lock)
        {
            entry = _entries.TryGetValue((folder, type), out var there) ? there : _entries[(folder, type)] = new Entry(load);
            entry.Users++;
        }

        var lease = new Lease(() => Return((folder, type), entry));
        try
        {
            return (entry.Model.Value.Share(), lease);
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    private void Return((string, StoredType?) key, Entry entry)
    {
        lock (_lock)
        {
            if (--entry.Users > 0)
            {
                return;
            }

            _entries.Remove(key);
        }

        // One that could not be read has nothing to give back.
        if (entry.Model.IsValueCreated)
        {
            entry.Model.Value.Dispose();
        }
    }

    private sealed class Entry(Func<Transformer> load)
    {
        public Lazy<Transformer> Model { get; } = new(load);

        public int Users { get; set; }
    }

    private sealed class Lease(Action giveBack) : IDisposable
    {
        private Action? _giveBack = giveBack;

        public void Dispose() => Interlocked.Exchange(ref _giveBack, null)?.Invoke();
    }
}
