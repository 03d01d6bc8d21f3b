using System.Data;
using System.Threading.Channels;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace AgentLightning.Storage;

/// <summary>
/// The one writing connection of a SQLite file. Writes that wait while another is on its way to the disk run in one transaction, each in a
/// savepoint of its own: one that fails takes only itself back, and none is told that it succeeded before all are on disk, in the file that
/// still has the store's name.
/// </summary>
internal sealed class SqliteWriter : IAsyncDisposable
{
    /// <summary>Most writes of one transaction, so that the first does not wait for long.</summary>
    private const int MostTogether = 128;

    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromMilliseconds(1);
    private readonly SqliteFile _file;
    private readonly SqliteLockWait _lockWait;
    private readonly TimeProvider _time;
    private readonly Channel<Write> _arriving = Channel.CreateUnbounded<Write>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Queue<Write> _waiting = [];
    private readonly Task _loop;
    private SqliteConnection? _connection;

    /// <param name="lockWait">How long a write waits while another process writes.</param>
    public SqliteWriter(SqliteFile file, TimeSpan lockWait, TimeProvider time)
    {
        (_file, _lockWait, _time) = (file, new SqliteLockWait(lockWait, time), time);
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Completes when what <paramref name="work"/> wrote is on disk. Cancelling takes back a write that has not begun.</summary>
    public async Task<T> RunAsync<T>(Func<SqlSession, Task<T>> work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var write = new Write<T>(work, _time.GetTimestamp(), cancellationToken);
        ObjectDisposedException.ThrowIf(!_arriving.Writer.TryWrite(write), this);
        return await write.Result.ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        _arriving.Writer.TryComplete();
        await _loop.ConfigureAwait(false);
        _connection?.Dispose();
    }

    private async Task RunAsync()
    {
        var group = new List<Write>(MostTogether);
        while (_waiting.Count > 0 || await _arriving.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            Gather();
            try
            {
                if (await BeginAsync().ConfigureAwait(false))
                {
                    while (group.Count < MostTogether && _waiting.TryDequeue(out var write))
                    {
                        group.Add(write);
                    }

                    await CommitAsync(_connection!, group).ConfigureAwait(false);
                }
            }
            catch (Exception e)
            {
                // Nothing of the group is on disk, or not in the store. Who waits behind it asks for a connection anew.
                if (group.Count == 0 && _waiting.TryDequeue(out var first))
                {
                    group.Add(first);
                }

                group.ForEach(write => write.Fail(e));
                Abandon();
            }

            group.ForEach(write => write.Complete());
            group.Clear();
        }
    }

    private void Gather()
    {
        while (_arriving.Reader.TryRead(out var write))
        {
            if (!write.IsCancelled())
            {
                _waiting.Enqueue(write);
            }
        }
    }

    /// <summary>
    /// Begins a transaction; false when nobody waits for one any more. SQLite's own waiting looks less and less often: beside a process
    /// that writes without pause, which lets go of the lock for some microseconds only, it would never come to its turn.
    /// </summary>
    private async Task<bool> BeginAsync()
    {
        for (var isFirst = true; ; isFirst = false)
        {
            while (_waiting.TryPeek(out var write) && write.IsCancelled())
            {
                _waiting.Dequeue();
            }

            if (_waiting.Count == 0)
            {
                return false;
            }

            _connection ??= _file.OpenWriter();
            var result = _connection is null ? raw.SQLITE_BUSY : raw.sqlite3_exec(_connection.Handle, "BEGIN IMMEDIATE");
            if (!SqliteFile.IsBusy(result))
            {
                _lockWait.Got();
                SqliteException.ThrowExceptionForRC(result, _connection!.Handle);
                return true;
            }

            _lockWait.Missed(isFirst);
            while (_waiting.TryPeek(out var late) && _lockWait.IsOver(late.Arrived))
            {
                _waiting.Dequeue();
                late.Fail(new SqliteException("database is locked", raw.SQLITE_BUSY));
                late.Complete();
            }

            await Task.Delay(s_betweenLooks).ConfigureAwait(false);
            Gather();
        }
    }

    private async Task CommitAsync(SqliteConnection connection, List<Write> group)
    {
        var session = new SqlSession(connection, null);
        foreach (var write in group)
        {
            await RunOneAsync(connection, session, write).ConfigureAwait(false);
        }

        Execute(connection, "COMMIT");
        _file.CheckInPlace(connection);
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
    private abstract class Write(long arrived)
    {
        public long Arrived { get; } = arrived;

        public abstract bool IsCancelled();

        public abstract Task RunAsync(SqlSession session);

        public abstract void Fail(Exception e);

        public abstract void Complete();
    }

    private sealed class Write<T>(Func<SqlSession, Task<T>> work, long arrived, CancellationToken cancellationToken) : Write(arrived)
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
