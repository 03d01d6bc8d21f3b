using AgentLightning.Local.Chat;
using Microsoft.Extensions.AI;

namespace AgentLightning.Local.Agents;

/// <summary>Models in this process that agents hold. The second client of one takes no memory of its own, and is not judged by what is left beside the first.</summary>
internal sealed class HeldModels
{
    private readonly Lock _lock = new();
    private readonly Dictionary<LocalModelOptions, int> _clients = [];

    /// <param name="check">Throws when the machine cannot hold the model; called for its first client.</param>
    public IChatClient Create(LocalModelOptions model, Action check, Func<LocalModelOptions, IChatClient> create)
    {
        lock (_lock)
        {
            var held = _clients.GetValueOrDefault(model);
            if (held == 0)
            {
                check();
            }

            var client = new Client(create(model), () => Release(model));
            _clients[model] = held + 1;
            return client;
        }
    }

    private void Release(LocalModelOptions model)
    {
        lock (_lock)
        {
            if (--_clients[model] == 0)
            {
                _clients.Remove(model);
            }
        }
    }

    private sealed class Client(IChatClient inner, Action release) : DelegatingChatClient(inner)
    {
        private int _disposed;

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                release();
            }
        }
    }
}
