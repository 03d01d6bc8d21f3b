namespace AgentLightning.Access;

/// <summary>Keeps keys as hashes. A call that returned is on disk. Keys are never deleted.</summary>
public interface IApiKeyStore
{
    /// <summary>Stores a new key. An id that is already there is <see cref="Common.ErrorKind.Conflict"/>.</summary>
    Task AddAsync(StoredApiKey key, CancellationToken cancellationToken);

    /// <summary>The key, revoked and expired or not, or null.</summary>
    Task<StoredApiKey?> FindAsync(string id, CancellationToken cancellationToken);

    /// <summary>All keys, newest first, revoked ones too.</summary>
    Task<IReadOnlyList<ApiKey>> ListAsync(CancellationToken cancellationToken);

    /// <summary>Whether there ever was a key.</summary>
    Task<bool> AnyAsync(CancellationToken cancellationToken);

    /// <summary>Revokes a key; one that is revoked already keeps its time. False when there is none.</summary>
    Task<bool> RevokeAsync(string id, DateTimeOffset at, CancellationToken cancellationToken);

    /// <summary>Notes when a key was last used; an earlier time than the one that is known changes nothing.</summary>
    Task TouchAsync(string id, DateTimeOffset at, CancellationToken cancellationToken);
}
