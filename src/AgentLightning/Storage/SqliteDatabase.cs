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
    /// <summary>Of a file that is made now. Of the default, half, each span of 2 kB would take a page to itself.</summary>
    private const int BytesOfPage = 8_192;

    /// <summary>16 MB. A page that many transactions change, as those of an index, goes into the file once for all of them.</summary>
    private const int PagesOfCheckpoint = 2_000;

    /// <summary>Of the writer alone.</summary>
    private const int KilobytesOfCache = 32_768;

    private readonly string _path;
    private readonly int _busySeconds;
    private readonly string _connectionString;
    private readonly SqliteWriter _writer;

    /// <param name="lockWait">How long a write waits while another process holds the file; whole seconds, at least one.</param>
    public SqliteDatabase(string path, TimeSpan lockWait, TimeProvider time, LightningMeter meter)
        : base(time, meter)
    {
        (_path, _busySeconds) = (path, (int)Math.Ceiling(lockWait.TotalSeconds));
        _connectionString = new SqliteConnectionStringBuilder
        {
            DataSource = path,
            ForeignKeys = true,
            DefaultTimeout = _busySeconds,
        }.ToString();
        _writer = new SqliteWriter(OpenWriter, TimeSpan.FromSeconds(_busySeconds));
    }

    public override bool ManyWriters => false;

    protected override string Name => _path;

    protected override string HasSchemaSql => "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'";

    public override Task<bool> ExistsAsync(CancellationToken cancellationToken) => Task.FromResult(File.Exists(_path));

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
            using var connection = Open(_connectionString);
            return await read(connection).ConfigureAwait(false);
        });

    protected override Task<T> WriteCoreAsync<T>(Func<SqlSession, Task<T>> work, CancellationToken cancellationToken) =>
        GuardAsync(() => _writer.RunAsync(work, cancellationToken));

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

    // 19 is SQLITE_CONSTRAINT.
    public override bool IsConstraintViolation(DbException exception) => exception is SqliteException { SqliteErrorCode: 19 };

    public override async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync().ConfigureAwait(false);
        using var readers = new SqliteConnection(_connectionString);
        SqliteConnection.ClearPool(readers);
    }

    private static SqliteConnection Open(string connectionString)
    {
        var connection = new SqliteConnection(connectionString);
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
        // Of its own: what is set here must not come to a reader.
        var connection = Open(new SqliteConnectionStringBuilder(_connectionString) { Pooling = false }.ToString());
        try
        {
            // One by one: the driver leaves out what follows a statement that returns rows.
            foreach (
                var setting in new[]
                {
                    $"page_size = {BytesOfPage}",
                    "journal_mode = WAL",
                    "synchronous = FULL",
                    $"wal_autocheckpoint = {PagesOfCheckpoint}",
                    $"cache_size = -{KilobytesOfCache}",
                }
            )
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
            throw e.SqliteErrorCode switch
            {
                5 or 6 => new LightningException(
                    ErrorKind.Unavailable,
                    $"The store '{_path}' stayed locked by another process for {_busySeconds} seconds. Try again, or end the process that "
                        + $"holds it.",
                    e
                ),
                11 or 26 => new LightningException(
                    ErrorKind.Corrupt,
                    $"'{_path}' is not a sound SQLite database ({e.Message.TrimEnd('.')}). Give the path of a Lightning store, or restore "
                        + $"it from a backup.",
                    e
                ),
                13 => new LightningException(
                    ErrorKind.Unavailable,
                    $"The disk that holds the store '{_path}' is full. Free some space and try again.",
                    e
                ),
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
}
