using AgentLightning.Common;

namespace AgentLightning.Deployments;

/// <summary>Keeps releases; at most one of an agent and slot is active, which the store itself enforces.</summary>
public interface IDeploymentStore
{
    /// <summary>
    /// In one transaction: checks that the active release is still <paramref name="expectedActiveId"/> (null: none), makes it inactive,
    /// and stores the new one as active, under the next number. If another release became active meanwhile nothing changes:
    /// <see cref="ErrorKind.Conflict"/>.
    /// </summary>
    Task<Deployment> ActivateAsync(Deployment deployment, string? expectedActiveId, CancellationToken cancellationToken);

    /// <summary>
    /// The same, and in the same transaction stores releases that are not active: the candidates of an experiment, of which
    /// <paramref name="control"/> is the other side. Gives control and candidates, numbered in this order.
    /// </summary>
    Task<IReadOnlyList<Deployment>> ActivateAsync(
        Deployment control,
        IReadOnlyList<Deployment> candidates,
        string expectedActiveId,
        CancellationToken cancellationToken
    );

    /// <summary>
    /// Takes the active release off, so that the base model serves; gives it as it is then. If another became active meanwhile nothing
    /// changes: <see cref="ErrorKind.Conflict"/>.
    /// </summary>
    Task<Deployment> DeactivateAsync(Deployment active, string? reason, DateTimeOffset at, CancellationToken cancellationToken);

    Task<Deployment?> FindAsync(string id, CancellationToken cancellationToken);

    /// <summary>The active release, or null when the base model serves.</summary>
    Task<Deployment?> FindActiveAsync(string agentId, string slot, CancellationToken cancellationToken);

    /// <summary>The newest releases; of all agents when <paramref name="agentId"/> is null.</summary>
    Task<IReadOnlyList<Deployment>> ListAsync(string? agentId, string? slot, int limit, CancellationToken cancellationToken) =>
        ListAsync(agentId, slot, limit, null, cancellationToken);

    /// <summary>Releases, newest first; of all agents when <paramref name="agentId"/> is null.</summary>
    /// <param name="limit">1…1,000.</param>
    /// <param name="before">The cursor that ended the page before, or the id of a release: only older ones follow.</param>
    Task<IReadOnlyList<Deployment>> ListAsync(
        string? agentId,
        string? slot,
        int limit,
        string? before,
        CancellationToken cancellationToken
    );

    /// <summary>The releases of the models of these runs, up to 1,000; of all agents, in any order.</summary>
    Task<IReadOnlyList<Deployment>> OfRunsAsync(IReadOnlyList<string> runIds, CancellationToken cancellationToken);

    /// <summary>How many releases there were, counted by the database.</summary>
    Task<long> CountAsync(string? agentId, CancellationToken cancellationToken);
}
