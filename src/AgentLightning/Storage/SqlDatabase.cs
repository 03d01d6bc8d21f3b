using System.Data.Common;
using AgentLightning.Common;

namespace AgentLightning.Storage;

/// <summary>
/// What the SQL stores stand on. The statements are written once, in the SQL that both engines speak; an engine gives connections,
/// transactions and its few differences.
/// </summary>
/// <remarks>All members may be called from many threads at once.</remarks>
internal abstract class SqlDatabase(TimeProvider time, LightningMeter meter) : IAsyncDisposable
{
    /// <summary>The store as messages name it, without anything secret.</summary>
    protected abstract string Name { get; }

    /// <summary>A statement that counts the tables named <c>schema_migrations</c>.</summary>
    protected abstract string HasSchemaSql { get; }

    /// <summary>True when several transactions may write at the same time.</summary>
    public abstract bool ManyWriters { get; }

    /// <summary>True when there is something to open. Makes nothing.</summary>
    public abstract Task<bool> ExistsAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Runs one statement that only reads. It is a snapshot by itself and costs the least; two need <see cref="ReadAsync"/>.
    /// </summary>
    public abstract Task<T> LookAsync<T>(Func<SqlSession, Task<T>> look, CancellationToken cancellationToken);

    /// <summary>
    /// Runs statements that only read, on one snapshot. An engine may run <paramref name="work"/> again when the first attempt could not
    /// end.
    /// </summary>
    public abstract Task<T> ReadAsync<T>(Func<SqlSession, Task<T>> work, CancellationToken cancellationToken);

    /// <summary>
    /// Runs statements as one transaction: all of them are on disk when the task completes, or none if it fails. An engine may run
    /// <paramref name="work"/> again when the first attempt was rolled back.
    /// </summary>
    public async Task<T> WriteAsync<T>(Func<SqlSession, Task<T>> work, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var result = await WriteCoreAsync(work, cancellationToken).ConfigureAwait(false);
        meter.StoreWrites.Record(time.GetElapsedTime(started).TotalSeconds);
        return result;
    }

    /// <summary>
    /// The same for statements that take rows away: where the disk is full they may use what was kept back for them.
    /// </summary>
    public virtual Task<T> FreeAsync<T>(Func<SqlSession, Task<T>> work, CancellationToken cancellationToken) =>
        WriteAsync(work, cancellationToken);

    /// <summary>
    /// Completes when a small write came to the disk and was read back, and nothing is known to be wrong with the store; otherwise a
    /// <see cref="LightningException"/> says what is wrong.
    /// </summary>
    public virtual async Task ProbeAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow().ToColumn();
        await WriteAsync(
                session =>
                    session.ExecuteAsync(
                        "INSERT INTO store_probe (id, at) VALUES (1, @at) ON CONFLICT (id) DO UPDATE SET at = excluded.at",
                        cancellationToken,
                        ("@at", now)
                    ),
                cancellationToken
            )
            .ConfigureAwait(false);
        var seen = await LookAsync(
                session => session.CountAsync("SELECT COUNT(*) FROM store_probe WHERE id = 1", cancellationToken),
                cancellationToken
            )
            .ConfigureAwait(false);
        if (seen != 1)
        {
            throw new LightningException(
                ErrorKind.Unavailable,
                $"The store '{Name}' acknowledged a write and does not give it back. Check that nobody replaced it."
            );
        }
    }

    /// <summary>
    /// Keeps every other writer of a table out from here to the end of the transaction, so that it can be counted and filled anew. An
    /// engine that has one writer at a time has nothing to do.
    /// </summary>
    public virtual Task LockTableAsync(SqlSession session, string table, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Lets the writing transactions that give one of the same keys run one after another, from here to their end: what a statement after
    /// it sees stays true. Call it once, before the first statement. An engine that has one writer at a time has nothing to do.
    /// </summary>
    public Task SerialiseAsync(SqlSession session, IEnumerable<string> keys, CancellationToken cancellationToken) =>
        Serialising(keys) is { } first ? session.ReadTogetherAsync([first], cancellationToken) : Task.CompletedTask;

    /// <summary>
    /// The same as a question that goes to the engine together with others, as the first of them; null where there is nothing to do.
    /// </summary>
    public virtual SqlRead? Serialising(IEnumerable<string> keys) => null;

    /// <summary>
    /// A question after which the transaction finds rows by their index, whatever the engine believes about the size of a table: one that
    /// just began to grow is still counted as small, and would be read whole for a few rows. Null where there is nothing to do.
    /// </summary>
    public virtual SqlRead? ByIndex => null;

    /// <summary>True when the exception says that a unique index, a foreign key or a check refused the row.</summary>
    public abstract bool IsConstraintViolation(DbException exception);

    /// <summary>Brings the schema up to date, under a lock that keeps a second process out.</summary>
    public Task MigrateAsync(CancellationToken cancellationToken) =>
        WriteAsync(
            async session =>
            {
                await SerialiseAsync(session, ["schema"], cancellationToken).ConfigureAwait(false);
                // Asked first: who may only use the tables cannot say CREATE TABLE, even IF NOT EXISTS.
                if (await session.CountAsync(HasSchemaSql, cancellationToken).ConfigureAwait(false) == 0)
                {
                    await session
                        .ExecuteAsync(
                            "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)",
                            cancellationToken
                        )
                        .ConfigureAwait(false);
                }

                var applied = await session
                    .QueryAsync("SELECT version FROM schema_migrations", reader => (int)reader.Integer("version"), cancellationToken)
                    .ConfigureAwait(false);
                if (applied.Count > 0 && applied.Max() > Migration.All[^1].Version)
                {
                    throw LightningException.Conflict(
                        $"The store '{Name}' has schema version {applied.Max()}, but this program knows only {Migration.All[^1].Version}. "
                            + $"Use the program that wrote it, or a newer one."
                    );
                }

                foreach (var migration in Migration.All.Where(migration => !applied.Contains(migration.Version)))
                {
                    await session.ExecuteAsync(Adapt(migration.Sql), cancellationToken).ConfigureAwait(false);
                    await session
                        .ExecuteAsync(
                            "INSERT INTO schema_migrations (version, name, applied_at) VALUES (@version, @name, @at)",
                            cancellationToken,
                            ("@version", migration.Version),
                            ("@name", migration.Name),
                            ("@at", time.GetUtcNow().ToColumn())
                        )
                        .ConfigureAwait(false);
                }

                return 0;
            },
            cancellationToken
        );

    /// <summary>The names of the schema steps that are still to come, all of them when there is no store yet.</summary>
    public async Task<IReadOnlyList<string>> PendingMigrationsAsync(CancellationToken cancellationToken)
    {
        if (!await ExistsAsync(cancellationToken).ConfigureAwait(false))
        {
            return [.. Migration.All.Select(migration => migration.Name)];
        }

        var applied = await ReadAsync(
                async session =>
                    await session.CountAsync(HasSchemaSql, cancellationToken).ConfigureAwait(false) == 0
                        ? []
                        : await session
                            .QueryAsync(
                                "SELECT version FROM schema_migrations",
                                reader => (int)reader.Integer("version"),
                                cancellationToken
                            )
                            .ConfigureAwait(false),
                cancellationToken
            )
            .ConfigureAwait(false);
        return [.. Migration.All.Where(migration => !applied.Contains(migration.Version)).Select(migration => migration.Name)];
    }

    /// <summary>Lets the engine look whether what lies on the disk is sound.</summary>
    public abstract Task<CheckResult> CheckFilesAsync(CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();

    /// <summary>The engine's part of <see cref="WriteAsync"/>.</summary>
    protected abstract Task<T> WriteCoreAsync<T>(Func<SqlSession, Task<T>> work, CancellationToken cancellationToken);

    /// <summary>The schema in the words of the engine.</summary>
    protected virtual string Adapt(string schema) => schema;
}
