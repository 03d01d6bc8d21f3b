using System.Data.Common;
using AgentLightning.Common;
using Microsoft.Data.Sqlite;

namespace AgentLightning.Storage;

/// <summary>
/// One SQLite file in WAL mode with full synchronisation: a committed transaction is on disk. One writer at a time in this process,
/// by a gate; other processes wait at the file's lock, up to ten seconds. Readers never wait.
/// </summary>
/// <remarks>SQLite has no asynchronous calls: a read or write runs on the calling thread until it completes.</remarks>
internal sealed class SqliteDatabase : SqlDatabase
{
    private const int BusySeconds = 10;
    private readonly string _path;
    private readonly string _connectionString;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _writeGate = new(1, 1);
    private SqliteConnection? _writer;

    public SqliteDatabase(string path, TimeProvider time)
    {
        SqliteLibrary.Load();
        _path = path;
        _time = time;
        _connectionString = new SqliteConnectionStringBuilder { DataSource = path, ForeignKeys = true, DefaultTimeout = BusySeconds, Pooling = true }.ToString();
    }

    public override Task<T> ReadAsync<T>(Func<SqlSession, Task<T>> work, CancellationToken cancellationToken) =>
        GuardAsync(async () =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var connection = Open();
            using var snapshot = connection.BeginTransaction(deferred: true);
            return await work(new SqlSession(connection, snapshot)).ConfigureAwait(false);
        });

    public override async Task<T> WriteAsync<T>(Func<SqlSession, Task<T>> work, CancellationToken cancellationToken)
    {
        await _writeGate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await GuardAsync(async () =>
            {
                _writer ??= OpenWriter();
                using var transaction = _writer.BeginTransaction(deferred: false);
                var result = await work(new SqlSession(_writer, transaction)).ConfigureAwait(false);
                transaction.Commit();
                return result;
            }).ConfigureAwait(false);
        }
        finally
        {
            _writeGate.Release();
        }
    }

    // 19 is SQLITE_CONSTRAINT.
    public override bool IsConstraintViolation(DbException exception) => exception is SqliteException { SqliteErrorCode: 19 };

    public override Task MigrateAsync(CancellationToken cancellationToken) => WriteAsync(
        async session =>
        {
            await session.ExecuteAsync("CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)", cancellationToken).ConfigureAwait(false);
            var applied = await session.QueryAsync("SELECT version FROM schema_migrations", reader => (int)reader.Integer("version"), cancellationToken).ConfigureAwait(false);
            if (applied.Count > 0 && applied.Max() > Migration.All[^1].Version)
            {
                throw LightningException.Conflict($"The store '{_path}' has schema version {applied.Max()}, but this program knows only {Migration.All[^1].Version}. Use the program that wrote it, or a newer one.");
            }

            foreach (var migration in Migration.All.Where(migration => !applied.Contains(migration.Version)))
            {
                await session.ExecuteAsync(migration.Sql, cancellationToken).ConfigureAwait(false);
                await session.ExecuteAsync(
                    "INSERT INTO schema_migrations (version, name, applied_at) VALUES (@version, @name, @at)",
                    cancellationToken, ("@version", migration.Version), ("@name", migration.Name), ("@at", _time.GetUtcNow().ToColumn())).ConfigureAwait(false);
            }

            return 0;
        },
        cancellationToken);

    public override ValueTask DisposeAsync()
    {
        _writer?.Dispose();
        _writeGate.Dispose();
        using var connection = new SqliteConnection(_connectionString);
        SqliteConnection.ClearPool(connection);
        return ValueTask.CompletedTask;
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection(_connectionString);
        try
        {
            connection.Open();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private SqliteConnection OpenWriter()
    {
        var connection = Open();
        try
        {
            // One by one: the driver leaves out what follows a statement that returns rows.
            foreach (var setting in new[] { "journal_mode = WAL", "synchronous = FULL", $"busy_timeout = {BusySeconds * 1000}" })
            {
                using var command = connection.CreateCommand();
                command.CommandText = $"PRAGMA {setting}";
                command.ExecuteNonQuery();
            }

            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Gives SQLite's own failures a message that a person can act on; constraint violations pass, the stores know what they mean.</summary>
    private async Task<T> GuardAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (SqliteException e) when (!IsConstraintViolation(e))
        {
            throw e.SqliteErrorCode switch
            {
                5 or 6 => new LightningException(ErrorKind.Unavailable, $"The store '{_path}' stayed locked by another process for {BusySeconds} seconds. Try again, or end the process that holds it.", e),
                11 or 26 => new LightningException(ErrorKind.Corrupt, $"'{_path}' is not a sound SQLite database ({e.Message.TrimEnd('.')}). Give the path of a Lightning store, or restore it from a backup.", e),
                13 => new LightningException(ErrorKind.Unavailable, $"The disk that holds the store '{_path}' is full. Free some space and try again.", e),
                14 => new LightningException(ErrorKind.Invalid, $"The store '{_path}' cannot be opened. Check that its folder exists and may be written.", e),
                _ => new LightningException(ErrorKind.Unavailable, $"The store '{_path}' failed: {e.Message}", e),
            };
        }
    }
}
