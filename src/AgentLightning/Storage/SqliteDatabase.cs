using System.Data.Common;
using AgentLightning.Common;
using Microsoft.Data.Sqlite;

namespace AgentLightning.Storage;

/// <summary>
/// One SQLite file in WAL mode with full synchronisation: a committed transaction is on disk. One writer at a time in this process: what
/// waits for it meanwhile is committed together, which costs one write to the disk for all. Other processes wait at the file's lock, up to
/// a limit. Readers never wait.
/// </summary>
/// <remarks>
/// SQLite has no asynchronous calls: a read runs on the calling thread until it completes, writes run on one of the pool.
/// </remarks>
internal sealed class SqliteDatabase : SqlDatabase
{
    /// <summary><c>SQLITE_FULL</c>.</summary>
    private const int Full = 13;

    /// <summary><c>SQLITE_IOERR</c>, as what it says of a full disk where it lays its index of the log.</summary>
    private const int InputOutput = 10;

    private readonly string _path;
    private readonly int _busySeconds;
    private readonly string _connectionString;
    private readonly SqliteFile _file;
    private readonly SqliteWriter _writer;
    private readonly SqliteReserve _reserve;
    private readonly SqliteProbe _probe;

    /// <summary>What was found broken in the file; null as long as nothing was.</summary>
    private volatile string? _damage;

    /// <param name="lockWait">How long a write waits while another process holds the file; whole seconds, at least one.</param>
    public SqliteDatabase(string path, TimeSpan lockWait, TimeProvider time, LightningMeter meter)
        : base(time, meter)
    {
        (_path, _busySeconds) = (path, (int)Math.Ceiling(lockWait.TotalSeconds));
        _connectionString = new SqliteConnectionStringBuilder
        {
            DataSource = path,
            Mode = SqliteOpenMode.ReadWrite,
            ForeignKeys = true,
            DefaultTimeout = _busySeconds,
        }.ToString();
        _file = new SqliteFile(path, _connectionString);
        _writer = new SqliteWriter(_file, TimeSpan.FromSeconds(_busySeconds), time);
        _reserve = new SqliteReserve(path);
        _probe = new SqliteProbe(path, _connectionString, time);
    }

    public override bool ManyWriters => false;

    protected override string Name => _path;

    protected override string HasSchemaSql => "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'";

    public override Task<bool> ExistsAsync(CancellationToken cancellationToken) =>
        File.Exists(_path) ? Task.FromResult(true)
        : _file.WasThere ? throw Gone(null)
        : Task.FromResult(false);

    public override Task<T> LookAsync<T>(Func<SqlSession, Task<T>> look, CancellationToken cancellationToken) =>
        ReadAsync(connection => look(new SqlSession(connection, null)), cancellationToken);

    public override Task<T> ReadAsync<T>(Func<SqlSession, Task<T>> work, CancellationToken cancellationToken) =>
        ReadAsync(
            async connection =>
            {
                using var snapshot = connection.BeginTransaction(deferred: true);
                return await work(new SqlSession(connection, snapshot)).ConfigureAwait(false);
            },
            cancellationToken
        );

    private Task<T> ReadAsync<T>(Func<SqliteConnection, Task<T>> read, CancellationToken cancellationToken) =>
        GuardAsync(async () =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var connection = new SqliteConnection(_connectionString);
            connection.Open();
            return await read(connection).ConfigureAwait(false);
        });

    protected override Task<T> WriteCoreAsync<T>(Func<SqlSession, Task<T>> work, CancellationToken cancellationToken) =>
        GuardAsync(() =>
            _damage is { } damage
                ? throw new LightningException(
                    ErrorKind.Unavailable,
                    $"The store '{_path}' takes no more writes since it was found damaged: {damage} Restore it from a backup and start "
                        + $"again."
                )
                : _writer.RunAsync(work, cancellationToken)
        );

    public override async Task<T> FreeAsync<T>(Func<SqlSession, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await WriteAsync(work, cancellationToken).ConfigureAwait(false);
        }
        catch (LightningException e)
            when (e.InnerException is SqliteException { SqliteErrorCode: Full or InputOutput } && _reserve.Release())
        {
            return await WriteAsync(work, cancellationToken).ConfigureAwait(false);
        }
    }

    public override async Task ProbeAsync(CancellationToken cancellationToken)
    {
        await base.ProbeAsync(cancellationToken).ConfigureAwait(false);
        await GuardAsync(() => Task.FromResult(_probe.Run())).ConfigureAwait(false);
        _reserve.Keep();
    }

    public override Task<CheckResult> CheckFilesAsync(CancellationToken cancellationToken) =>
        ReadAsync(
            async session =>
            {
                var problems = await session
                    .QueryAsync("PRAGMA integrity_check(5)", reader => reader.GetString(0), cancellationToken)
                    .ConfigureAwait(false);
                var orphans = await session
                    .QueryAsync("PRAGMA foreign_key_check", reader => reader.GetString(0), cancellationToken)
                    .ConfigureAwait(false);
                return problems is ["ok"] && orphans.Count == 0
                    ? new CheckResult("file", true, "sound")
                    : new CheckResult(
                        "file",
                        false,
                        $"{string.Join("; ", problems)}; {orphans.Count} rows refer to missing ones. Restore the file from a backup."
                    );
            },
            cancellationToken
        );

    /// <summary>A connection of the caller's own.</summary>
    public SqliteConnection Connect()
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder(_connectionString) { Pooling = false }.ToString());
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

    // 19 is SQLITE_CONSTRAINT.
    public override bool IsConstraintViolation(DbException exception) => exception is SqliteException { SqliteErrorCode: 19 };

    /// <summary>What follows <c>-- SQLite:</c> is a statement of this engine alone.</summary>
    protected override string Adapt(string schema) => schema.Replace("-- SQLite: ", "", StringComparison.Ordinal);

    public override async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync().ConfigureAwait(false);
        ForgetReaders();
    }

    private void ForgetReaders()
    {
        using var readers = new SqliteConnection(_connectionString);
        SqliteConnection.ClearPool(readers);
    }

    /// <summary>
    /// Gives SQLite's own failures a message that a person can act on; constraint violations pass, the stores know what they mean.
    /// </summary>
    private async Task<T> GuardAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (SqliteException e) when (!IsConstraintViolation(e))
        {
            // Readers that are kept may have a file that is there no more.
            ForgetReaders();
            throw e.SqliteErrorCode switch
            {
                5 or 6 => new LightningException(
                    ErrorKind.Unavailable,
                    $"The store '{_path}' stayed locked by another process for {_busySeconds} seconds. Try again, or end the process that "
                        + $"holds it.",
                    e
                ),
                11 or 26 => Damaged(e),
                Full => new LightningException(
                    ErrorKind.Unavailable,
                    $"The disk that holds the store '{_path}' is full. Free some space and try again.",
                    e
                ),
                14 when _file.WasThere => Gone(e),
                14 => new LightningException(
                    ErrorKind.Invalid,
                    $"The store '{_path}' cannot be opened. Check that its folder exists and may be written.",
                    e
                ),
                18 => new LightningException(ErrorKind.Invalid, $"The store '{_path}' refused a value that is too large.", e),
                _ => new LightningException(ErrorKind.Unavailable, $"The store '{_path}' failed: {e.Message}", e),
            };
        }
    }

    private LightningException Gone(Exception? cause) =>
        new(
            ErrorKind.Unavailable,
            $"The store '{_path}' is no longer there, or may not be opened. Put the file back or restore it from a backup.",
            cause
        );

    /// <summary>A file that was a store and is broken gets no more writes: what is written to it may be lost with it.</summary>
    private LightningException Damaged(SqliteException e)
    {
        // A file that never was a database is no damage, and 11 is said of databases only.
        if (_file.WasThere || e.SqliteErrorCode == 11)
        {
            _damage ??= e.Message;
        }

        return new LightningException(
            ErrorKind.Corrupt,
            $"'{_path}' is not a sound SQLite database ({e.Message.TrimEnd('.')}). Give the path of a Lightning store, or restore it "
                + $"from a backup.",
            e
        );
    }
}
