namespace AgentLightning.Storage;

/// <summary>The right to do something alone for a while.</summary>
/// <param name="Name">What it is for, for example <c>job retention</c>.</param>
/// <param name="Owner">Who has it.</param>
/// <param name="Token">Greater than that of every holder before: work that carries it is refused once another holds the lease.</param>
/// <param name="ExpiresAt">When others may take it, unless it is renewed before.</param>
public sealed record Lease(string Name, string Owner, long Token, DateTimeOffset ExpiresAt);

/// <summary>
/// Keeps leases. What two servers must not do at once, each does only while it holds the lease; what it writes is guarded by the token, so
/// that one that was stopped for longer than its lease changes nothing when it goes on.
/// </summary>
/// <remarks>
/// Times are those of the servers: their clocks must agree within a small part of the durations. Where they do not, a lease changes hands
/// early, and the token still lets only the last holder write.
/// </remarks>
public interface ILeaseStore
{
    /// <summary>Takes a lease for <paramref name="duration"/>; null while somebody has it.</summary>
    Task<Lease?> TryAcquireAsync(string name, string owner, TimeSpan duration, CancellationToken cancellationToken);

    /// <summary>Holds it for <paramref name="duration"/> from now on; null when it was lost.</summary>
    Task<Lease?> TryRenewAsync(Lease lease, TimeSpan duration, CancellationToken cancellationToken);

    /// <summary>Lets others have it at once; nothing happens when it was lost.</summary>
    Task ReleaseAsync(Lease lease, CancellationToken cancellationToken);

    /// <summary>Who has it now; null when nobody has.</summary>
    Task<Lease?> FindAsync(string name, CancellationToken cancellationToken);
}
