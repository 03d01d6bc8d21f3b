using AgentLightning.Common;

namespace AgentLightning.Experiments;

/// <summary>The first time that a session was answered by a variant in a phase.</summary>
/// <param name="Session">The first eight bytes of its hash.</param>
public readonly record struct Exposure(string ExperimentId, int Phase, long Session, string Variant, DateTimeOffset At);

/// <summary>How many sessions a variant answered in a phase, and the share it then had.</summary>
public sealed record ExposureCount(int Phase, string Variant, double Share, long Sessions);

/// <summary>Keeps experiments; at most one of an agent and slot runs, which the store itself enforces.</summary>
public interface IExperimentStore
{
    /// <summary>Stores one that runs. When another does, nothing changes: <see cref="ErrorKind.Conflict"/>.</summary>
    Task AddAsync(Experiment experiment, CancellationToken cancellationToken);

    Task<Experiment?> FindAsync(string id, CancellationToken cancellationToken);

    /// <summary>The one that runs, or null.</summary>
    Task<Experiment?> FindRunningAsync(string agentId, string slot, CancellationToken cancellationToken);

    /// <summary>All that run, of all agents.</summary>
    Task<IReadOnlyList<Experiment>> ListRunningAsync(CancellationToken cancellationToken);

    /// <summary>Experiments, newest first.</summary>
    /// <param name="limit">1…1,000.</param>
    /// <param name="before">The cursor that ended the page before, or an id: only older ones follow.</param>
    Task<IReadOnlyList<Experiment>> ListAsync(string agentId, int limit, string? before, CancellationToken cancellationToken);

    /// <summary>
    /// Puts the shares and the phase of <paramref name="experiment"/> in place if it still runs in the phase before; otherwise the answer
    /// is false and nothing changes.
    /// </summary>
    Task<bool> TryChangeSharesAsync(Experiment experiment, DateTimeOffset at, CancellationToken cancellationToken);

    /// <summary>Ends it, if it still runs; otherwise the answer is false and nothing changes.</summary>
    Task<bool> TryEndAsync(Experiment ended, CancellationToken cancellationToken);

    /// <summary>Stores those that are not there yet and counts them.</summary>
    Task AddExposuresAsync(IReadOnlyList<Exposure> exposures, CancellationToken cancellationToken);

    /// <summary>The counts of all phases and variants with a share, in this order.</summary>
    Task<IReadOnlyList<ExposureCount>> CountExposuresAsync(string experimentId, CancellationToken cancellationToken);
}
