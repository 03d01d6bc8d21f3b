using System.Data;
using AgentLightning.Common;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace AgentLightning.Storage;

/// <summary>
/// The one writing connection of a SQLite file. Writes that wait while another is on its way to the disk run in one transaction, each in a
/// savepoint of its own: one that fails takes only itself back, and none is told that it succeeded before all are on disk, in the file that
/// still has the store's name.
/// </summary>
internal sealed class SqliteWriter : IAsyncDisposable, IGroupWork<SqliteWrite, bool>
{
    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromMilliseconds(1);
    private readonly SqliteFile _file;
    private readonly SqliteLockWait _lockWait;
    private readonly TimeProvider _time;
    private readonly Func<SqliteWrite, Exception?> _late;
    private readonly GroupQueue<SqliteWrite, bool> _queue;
    private SqliteConnection? _connection;

    /// <param name="lockWait">How long a write waits while another process writes.</param>
    public SqliteWriter(SqliteFile file, TimeSpan lockWait, TimeProvider time)
    {
        (_file, _lockWait, _time) = (file, new SqliteLockWait(lockWait, time), time);
        _late = write => _lockWait.IsOver(write.Arrived) ? new SqliteException("database is locked", raw.SQLITE_BUSY) : null;
        _queue = new(this, new GroupQueueOptions(), time);
    }

    /// <summary>Completes when what <paramref name="work"/> wrote is on disk. Cancelling takes back a write that has not begun.</summary>
    public async Task<T> RunAsync<T>(Func<SqlSession, Task<T>> work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var write = new SqliteWrite<T>(work, _time.GetTimestamp(), cancellationToken);
        await _queue.DoAsync(write, CancellationToken.None).ConfigureAwait(false);
        return write.Take();
    }

    public async ValueTask DisposeAsync()
    {
        await _queue.DisposeAsync().ConfigureAwait(false);
        _connection?.Dispose();
    }

    async Task IGroupWork<SqliteWrite, bool>.RunAsync(ItemGroup<SqliteWrite, bool> group)
    {
        try
        {
            if (await BeginAsync(group).ConfigureAwait(false))
            {
                await CommitAsync(_connection!, group).ConfigureAwait(false);
                group.Complete(true);
            }
        }
        catch
        {
            // Nothing of the group is on disk, or not in the store. Who waits behind it asks for a connection anew.
            Abandon();
            throw;
        }
    }

    /// <summary>Each write has a savepoint of its own: what fails a group would fail it again.</summary>
    bool IGroupWork<SqliteWrite, bool>.IsOfOneItem(Exception failure) => false;

    /// <summary>
    /// Begins a transaction; false when nobody waits for one any more. SQLite's own waiting looks less and less often: beside a process
    /// that writes without pause, which lets go of the lock for some microseconds only, it would never come to its turn.
    /// </summary>
    private async Task<bool> BeginAsync(ItemGroup<SqliteWrite, bool> group)
    {
        for (var isFirst = true; ; isFirst = false)
        {
            group.Drop(static write =>
                write.Cancellation.IsCancellationRequested ? new OperationCanceledException(write.Cancellation) : null
            );
            if (group.Count == 0)
            {
                return false;
            }

            _connection ??= _file.OpenWriter();
            var result = _connection is null ? raw.SQLITE_BUSY : raw.sqlite3_exec(_connection.Handle, "BEGIN IMMEDIATE");
            if (!SqliteFile.IsBusy(result))
            {
                _lockWait.Got();
                SqliteException.ThrowExceptionForRC(result, _connection!.Handle);
                group.Fill();
                return true;
            }

            _lockWait.Missed(isFirst);
            group.Drop(_late);
            await Task.Delay(s_betweenLooks).ConfigureAwait(false);
            group.Fill();
        }
    }

    private async Task CommitAsync(SqliteConnection connection, ItemGroup<SqliteWrite, bool> group)
    {
        var session = new SqlSession(connection, null);
        foreach (var write in group.Items)
        {
            await RunOneAsync(connection, session, write).ConfigureAwait(false);
        }

        Execute(connection, "COMMIT");
        _file.CheckInPlace(connection);
    }

    private static async Task RunOneAsync(SqliteConnection connection, SqlSession session, SqliteWrite write)
    {
        Execute(connection, "SAVEPOINT one");
        try
        {
            await write.RunAsync(session).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            write.Error = e;
            if (raw.sqlite3_exec(connection.Handle, "ROLLBACK TO one") != raw.SQLITE_OK)
            {
                // After a full disk there is no transaction any more to go back in: the whole group fails, for the same reason.
                throw;
            }
        }

        Execute(connection, "RELEASE one");
    }

    private static void Execute(SqliteConnection connection, string sql) =>
        SqliteException.ThrowExceptionForRC(raw.sqlite3_exec(connection.Handle, sql), connection.Handle);

    private void Abandon()
    {
        if (_connection is { State: ConnectionState.Open } open)
        {
            // Fails where SQLite has rolled back by itself, which is as good.
            _ = raw.sqlite3_exec(open.Handle, "ROLLBACK");
        }

        _connection?.Dispose();
        _connection = null;
    }
}
