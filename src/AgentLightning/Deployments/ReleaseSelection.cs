using System.Collections.Concurrent;
using AgentLightning.Storage;

namespace AgentLightning.Deployments;

/// <summary>Keeps the active release of every agent that was asked for, until a notice says that it changed.</summary>
internal sealed class ReleaseSelection : IReleaseSelection, IDisposable
{
    private readonly IDeploymentStore _deployments;
    private readonly IDisposable _subscription;
    private readonly ConcurrentDictionary<(string Agent, string Slot), ServedRelease> _served = new();
    private int _changes;

    public ReleaseSelection(IDeploymentStore deployments, IChangeNotices notices)
    {
        _deployments = deployments;
        _subscription = notices.Subscribe(Deployment.Changes, Forget);
    }

    public ValueTask<ServedRelease> SelectAsync(
        string agentId,
        string? sessionId,
        CancellationToken cancellationToken,
        string slot = Deployment.DefaultSlot
    ) =>
        _served.TryGetValue((agentId, slot), out var known)
            ? ValueTask.FromResult(known)
            : new ValueTask<ServedRelease>(ReadAsync(agentId, slot, cancellationToken));

    public void Dispose() => _subscription.Dispose();

    private async Task<ServedRelease> ReadAsync(string agentId, string slot, CancellationToken cancellationToken)
    {
        var before = Volatile.Read(ref _changes);
        var active = await _deployments.FindActiveAsync(agentId, slot, cancellationToken).ConfigureAwait(false);
        var served = active is null ? ServedRelease.Base : new ServedRelease(active);
        _served[(agentId, slot)] = served;
        // A change while it was read may be older than the notice of it or not: whoever comes next reads again.
        if (Volatile.Read(ref _changes) != before)
        {
            _served.TryRemove((agentId, slot), out _);
        }

        return served;
    }

    private void Forget(string agentId)
    {
        Interlocked.Increment(ref _changes);
        foreach (var key in _served.Keys.Where(key => key.Agent == agentId))
        {
            _served.TryRemove(key, out _);
        }
    }
}
