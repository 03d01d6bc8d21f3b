using System.Data;
using System.Diagnostics;
using System.Threading.Channels;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace AgentLightning.Storage;

/// <summary>
/// The one writing connection of a SQLite file. Writes that wait while another is on its way to the disk run in one transaction, each in a
/// savepoint of its own: one that fails takes only itself back, and none is told that it succeeded before all are on disk.
/// </summary>
internal sealed class SqliteWriter : IAsyncDisposable
{
    /// <summary>Most writes of one transaction, so that the first does not wait for long.</summary>
    private const int MostTogether = 128;

    /// <summary>The part of a result of SQLite that tells the kind of failure.</summary>
    private const int PrimaryCode = 0xff;

    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromMilliseconds(1);
    private readonly Func<SqliteConnection> _open;
    private readonly TimeSpan _lockWait;
    private readonly Channel<Write> _waiting = Channel.CreateUnbounded<Write>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _loop;
    private SqliteConnection? _connection;

    /// <param name="lockWait">How long it waits while another process writes.</param>
    public SqliteWriter(Func<SqliteConnection> open, TimeSpan lockWait)
    {
        (_open, _lockWait) = (open, lockWait);
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Completes when what <paramref name="work"/> wrote is on disk. Cancelling takes back a write that has not begun.</summary>
    public async Task<T> RunAsync<T>(Func<SqlSession, Task<T>> work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var write = new Write<T>(work, cancellationToken);
        ObjectDisposedException.ThrowIf(!_waiting.Writer.TryWrite(write), this);
        return await write.Result.ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        await _loop.ConfigureAwait(false);
        _connection?.Dispose();
    }

    private async Task RunAsync()
    {
        var group = new List<Write>(MostTogether);
        while (await _waiting.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            while (group.Count < MostTogether && _waiting.Reader.TryRead(out var write))
            {
                if (!write.IsCancelled())
                {
                    group.Add(write);
                }
            }

            await CommitAsync(group).ConfigureAwait(false);
            group.Clear();
        }
    }

    private async Task CommitAsync(List<Write> group)
    {
        if (group.Count == 0)
        {
            return;
        }

        try
        {
            _connection ??= _open();
            await BeginAsync(_connection).ConfigureAwait(false);
            var session = new SqlSession(_connection, null);
            foreach (var write in group)
            {
                await RunOneAsync(_connection, session, write).ConfigureAwait(false);
            }

            Execute(_connection, "COMMIT");
        }
        catch (Exception e)
        {
            // Nothing of the group is on disk. What state the connection is in, nobody knows.
            group.ForEach(write => write.Fail(e));
            Abandon();
        }

        group.ForEach(write => write.Complete());
    }

    /// <summary>
    /// Takes the lock that one process holds at a time. SQLite's own waiting looks less and less often: beside a process that writes
    /// without pause, which lets go of the lock for some microseconds only, it would never come to its turn.
    /// </summary>
    private async Task BeginAsync(SqliteConnection connection)
    {
        var start = Stopwatch.GetTimestamp();
        int result;
        while (
            ((result = raw.sqlite3_exec(connection.Handle, "BEGIN IMMEDIATE")) & PrimaryCode) == raw.SQLITE_BUSY
            && Stopwatch.GetElapsedTime(start) < _lockWait
        )
        {
            await Task.Delay(s_betweenLooks).ConfigureAwait(false);
        }

        SqliteException.ThrowExceptionForRC(result, connection.Handle);
    }

    private static async Task RunOneAsync(SqliteConnection connection, SqlSession session, Write write)
    {
        Execute(connection, "SAVEPOINT one");
        try
        {
            await write.RunAsync(session).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            write.Fail(e);
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

    /// <summary>One write on its way. Its caller learns of it after the commit.</summary>
    private abstract class Write
    {
        public abstract bool IsCancelled();

        public abstract Task RunAsync(SqlSession session);

        public abstract void Fail(Exception e);

        public abstract void Complete();
    }

    private sealed class Write<T>(Func<SqlSession, Task<T>> work, CancellationToken cancellationToken) : Write
    {
        // Continuations elsewhere: the writer must not run its callers' code.
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? _value;
        private Exception? _error;

        public Task<T> Result => _done.Task;

        public override bool IsCancelled() => cancellationToken.IsCancellationRequested && _done.TrySetCanceled(cancellationToken);

        public override async Task RunAsync(SqlSession session) => _value = await work(session).ConfigureAwait(false);

        public override void Fail(Exception e) => _error ??= e;

        public override void Complete()
        {
            if (_error is null)
            {
                _done.TrySetResult(_value!);
            }
            else
            {
                _done.TrySetException(_error);
            }
        }
    }
}
