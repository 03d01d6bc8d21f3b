using System.Data.Common;

namespace AgentLightning.Storage;

/// <summary>
/// What the SQL stores stand on. The statements are written once, in the SQL that both engines speak; an engine gives connections,
/// transactions and its few differences.
/// </summary>
/// <remarks>All members may be called from many threads at once.</remarks>
internal abstract class SqlDatabase : IAsyncDisposable
{
    /// <summary>Runs statements that only read, on one snapshot.</summary>
    public abstract Task<T> ReadAsync<T>(Func<SqlSession, Task<T>> work, CancellationToken cancellationToken);

    /// <summary>Runs statements as one transaction: all of them are on disk when the task completes, or none if it fails.</summary>
    public abstract Task<T> WriteAsync<T>(Func<SqlSession, Task<T>> work, CancellationToken cancellationToken);

    /// <summary>True when the exception says that a unique index, a foreign key or a check refused the row.</summary>
    public abstract bool IsConstraintViolation(DbException exception);

    /// <summary>Brings the schema up to date, under a lock that keeps a second process out.</summary>
    public abstract Task MigrateAsync(CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();
}
