using System.Collections.Concurrent;
using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Storage;

namespace AgentLightning.Experiments;

/// <summary>
/// Keeps what serves every agent that was asked for, the variants of its experiment included, until a notice says that it changed. It
/// knows at most 10,000 agents and slots: names that nobody knows push each other out, and not what serves.
/// </summary>
/// <remarks>While the store is away, what was known last goes on serving.</remarks>
internal sealed class ReleaseSelection : IReleaseSelection, IDisposable
{
    public const int Most = 10_000;

    private readonly IDeploymentStore _deployments;
    private readonly IExperimentStore _experiments;
    private readonly Exposures _exposures;
    private readonly bool _useReleases;
    private readonly IDisposable[] _subscriptions;
    private readonly ConcurrentDictionary<(string Agent, string Slot), ServedSlot> _served = new();
    private int _changes;

    /// <param name="useReleases">False lets base models answer, whatever was promoted.</param>
    public ReleaseSelection(
        IDeploymentStore deployments,
        IExperimentStore experiments,
        Exposures exposures,
        IChangeNotices notices,
        bool useReleases = true
    )
    {
        (_deployments, _experiments, _exposures, _useReleases) = (deployments, experiments, exposures, useReleases);
        _subscriptions = [notices.Subscribe(Deployment.Changes, Forget), notices.Subscribe(Experiment.Changes, Forget)];
    }

    public int Count => _served.Count;

    public ValueTask<ServedRelease> SelectAsync(string agentId, string? sessionId, string slot, CancellationToken cancellationToken) =>
        _served.TryGetValue((agentId, slot), out var known) && !known.Stale
            ? ValueTask.FromResult(known.Choose(sessionId, _exposures))
            : new ValueTask<ServedRelease>(ReadAsync(agentId, slot, sessionId, known, cancellationToken));

    public void Dispose()
    {
        foreach (var subscription in _subscriptions)
        {
            subscription.Dispose();
        }
    }

    private async Task<ServedRelease> ReadAsync(
        string agentId,
        string slot,
        string? sessionId,
        ServedSlot? before,
        CancellationToken cancellationToken
    )
    {
        var changes = Volatile.Read(ref _changes);
        ServedSlot served;
        try
        {
            served = await ReadAsync(agentId, slot, cancellationToken).ConfigureAwait(false);
        }
        catch (LightningException e) when (e.Kind == ErrorKind.Unavailable && before is not null)
        {
            return before.Choose(sessionId, _exposures);
        }

        Keep((agentId, slot), served);
        // A change while it was read may be older than the notice of it or not: whoever comes next reads again.
        served.Stale = Volatile.Read(ref _changes) != changes;
        return served.Choose(sessionId, _exposures);
    }

    private async Task<ServedSlot> ReadAsync(string agentId, string slot, CancellationToken cancellationToken)
    {
        if (!_useReleases)
        {
            return new ServedSlot(ServedRelease.Base);
        }

        var experiment = await _experiments.FindRunningAsync(agentId, slot, cancellationToken).ConfigureAwait(false);
        // Read after the experiment: one whose control is no longer what is active has no say.
        var active = await _deployments.FindActiveAsync(agentId, slot, cancellationToken).ConfigureAwait(false);
        if (active is null)
        {
            return new ServedSlot(ServedRelease.Base);
        }

        if (experiment is null || experiment.Control.DeploymentId != active.Id)
        {
            return new ServedSlot(new ServedRelease(active));
        }

        var variants = new ServedRelease[experiment.Variants.Count];
        variants[0] = new ServedRelease(active, experiment.Id, experiment.Control.Name);
        for (var i = 1; i < variants.Length; i++)
        {
            var release = await _deployments.FindAsync(experiment.Variants[i].DeploymentId, cancellationToken).ConfigureAwait(false);
            variants[i] = new ServedRelease(release ?? active, experiment.Id, experiment.Variants[i].Name);
        }

        return new ServedSlot(
            new ServedRelease(active),
            experiment.Id,
            experiment.Phase,
            variants,
            [.. experiment.Variants.Select(variant => variant.Share)]
        );
    }

    private void Keep((string Agent, string Slot) key, ServedSlot served)
    {
        _served[key] = served;
        if (_served.Count <= Most)
        {
            return;
        }

        // A sixteenth at once, so that the walk is rare; what has a release goes only where nothing else is left.
        var surplus = Most / 16;
        foreach (var spare in _served.OrderBy(entry => entry.Value.Active.Release is null ? 0 : 1).Take(surplus).ToList())
        {
            _served.TryRemove(spare);
        }
    }

    private void Forget(string agentId)
    {
        Interlocked.Increment(ref _changes);
        foreach (var entry in _served)
        {
            if (entry.Key.Agent == agentId)
            {
                entry.Value.Stale = true;
            }
        }
    }
}
