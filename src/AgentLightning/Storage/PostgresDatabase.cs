using System.Data;
using System.Data.Common;
using AgentLightning.Common;
using Npgsql;

namespace AgentLightning.Storage;

/// <summary>
/// One PostgreSQL database, for several servers at once. A read is a read-only transaction on one snapshot; a write is a transaction at
/// read committed: unique indexes, guarded updates and <see cref="SqlDatabase.SerialiseAsync"/> keep the invariants, so that unrelated
/// writes never wait for each other.
/// </summary>
/// <remarks>
/// What is acknowledged is on the server's disk as long as its settings <c>fsync</c> and <c>synchronous_commit</c> are on, which they are
/// by default.
/// </remarks>
internal sealed class PostgresDatabase(StoreAddress address, TimeProvider time, LightningMeter meter) : SqlDatabase(time, meter)
{
    /// <summary>How often a transaction is run that the server rolls back because it met another one.</summary>
    private const int Attempts = 5;

    /// <summary>Marks the advisory locks as ours, for other programs in the same database.</summary>
    private const int LockSpace = 4747;

    private readonly NpgsqlDataSource _source = new NpgsqlDataSourceBuilder(address.ConnectionString).Build();
    private readonly PostgresErrors _errors = new(address.Name);

    public override bool ManyWriters => true;

    protected override string Name => address.Name;

    // Where the connection's search path leads: a store may lie in any schema.
    protected override string HasSchemaSql =>
        "SELECT COUNT(*) FROM (SELECT to_regclass('schema_migrations') AS found) AS seen WHERE found IS NOT NULL";

    public override Task<bool> ExistsAsync(CancellationToken cancellationToken) =>
        ReadAsync(async session => await session.CountAsync(HasSchemaSql, cancellationToken).ConfigureAwait(false) > 0, cancellationToken);

    public override Task<T> LookAsync<T>(Func<SqlSession, Task<T>> look, CancellationToken cancellationToken) =>
        RunAsync(Kind.Look, look, cancellationToken);

    public override Task<T> ReadAsync<T>(Func<SqlSession, Task<T>> work, CancellationToken cancellationToken) =>
        RunAsync(Kind.Read, work, cancellationToken);

    protected override async Task<T> WriteCoreAsync<T>(Func<SqlSession, Task<T>> work, CancellationToken cancellationToken)
    {
        var result = await RunAsync(Kind.Write, work, cancellationToken).ConfigureAwait(false);
        _errors.Opened();
        return result;
    }

    /// <remarks>
    /// Each key is one of 1,024 advisory locks: a group of any size fits into the server's lock table, and two keys that share a lock
    /// merely wait. All writers take them in the same order, so that none waits for another in a circle.
    /// </remarks>
    public override SqlRead Serialising(IEnumerable<string> keys) =>
        new(
            $"""
            SELECT pg_advisory_xact_lock({LockSpace}, slot)
            FROM (SELECT DISTINCT hashtext(key) & 1023 AS slot FROM unnest(string_to_array(@keys, chr(10))) AS key ORDER BY slot) AS slots
            """,
            _ => { },
            ("@keys", string.Join('\n', keys))
        );

    /// <remarks>Who reads is not kept out.</remarks>
    public override Task LockTableAsync(SqlSession session, string table, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"LOCK TABLE {table} IN EXCLUSIVE MODE", cancellationToken);

    public override SqlRead ByIndex { get; } = new("SELECT set_config('enable_seqscan', 'off', true)", _ => { });

    public override Task<CheckResult> CheckFilesAsync(CancellationToken cancellationToken) =>
        ReadAsync(
            async session =>
            {
                var unsafeSettings = await session
                    .QueryAsync(
                        "SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = "
                            + "'off'",
                        reader => reader.GetString(0),
                        cancellationToken
                    )
                    .ConfigureAwait(false);
                return unsafeSettings.Count == 0
                    ? new CheckResult("server", true, "writes are on disk before they are acknowledged")
                    : new CheckResult(
                        "server",
                        false,
                        $"{string.Join(" and ", unsafeSettings)} off: what is acknowledged may be lost in a crash. Turn it on in "
                            + $"postgresql.conf."
                    );
            },
            cancellationToken
        );

    /// <summary>A connection of the caller's own.</summary>
    public async Task<NpgsqlConnection> ConnectAsync(CancellationToken cancellationToken) =>
        await _source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);

    // Class 23 is "integrity constraint violation".
    public override bool IsConstraintViolation(DbException exception) => exception is PostgresException { SqlState: ['2', '3', ..] };

    public override ValueTask DisposeAsync() => _source.DisposeAsync();

    /// <summary>
    /// Text in the order of its bytes, whatever the language of the database: ids and pages sort alike on both engines. What follows <c>--
    /// PostgreSQL:</c> is a statement of this engine alone.
    /// </summary>
    protected override string Adapt(string schema) =>
        schema.Replace(" TEXT", " TEXT COLLATE \"C\"", StringComparison.Ordinal).Replace("-- PostgreSQL: ", "", StringComparison.Ordinal);

    private async Task<T> RunAsync<T>(Kind kind, Func<SqlSession, Task<T>> work, CancellationToken cancellationToken)
    {
        var mayReconnect = true;
        for (var attempt = 1; ; attempt++)
        {
            var stage = Stage.Opening;
            try
            {
                var connection = await _source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
                await using (connection.ConfigureAwait(false))
                {
                    stage = Stage.Working;
                    if (kind == Kind.Look)
                    {
                        return await work(new SqlSession(connection, null)).ConfigureAwait(false);
                    }

                    var transaction = await connection
                        .BeginTransactionAsync(
                            kind == Kind.Write ? IsolationLevel.ReadCommitted : IsolationLevel.RepeatableRead,
                            cancellationToken
                        )
                        .ConfigureAwait(false);
                    await using (transaction.ConfigureAwait(false))
                    {
                        var session = new SqlSession(connection, transaction);
                        if (kind == Kind.Read)
                        {
                            await session.ExecuteAsync("SET TRANSACTION READ ONLY", cancellationToken).ConfigureAwait(false);
                        }

                        var result = await work(session).ConfigureAwait(false);
                        stage = kind == Kind.Write ? Stage.Committing : Stage.Working;
                        // A commit that is on its way is not called back: nobody could say whether it happened.
                        await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
                        return result;
                    }
                }
            }
            catch (DbException e) when (IsConstraintViolation(e))
            {
                throw;
            }
            catch (PostgresException e)
                when (attempt < Attempts && e.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected)
            {
                // Rolled back by the server, for certain.
            }
            catch (NpgsqlException e) when (mayReconnect && stage == Stage.Working && PostgresErrors.IsLostConnection(e))
            {
                // A pooled connection does not know that the server was restarted since. Nothing was committed.
                mayReconnect = false;
            }
            catch (Exception e) when (PostgresErrors.IsOfTheServer(e))
            {
                throw _errors.Explain(e, stage == Stage.Committing);
            }
        }
    }

    private enum Kind
    {
        Look,
        Read,
        Write,
    }

    private enum Stage
    {
        Opening,
        Working,
        Committing,
    }
}
