using System.Data;
using System.Runtime.ExceptionServices;
using System.Threading.Channels;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace AgentLightning.Storage;

/// <summary>
/// The one writing connection of a SQLite file. Writes that wait while another is on its way to the disk run in one transaction, each in a savepoint of its
/// own: one that fails takes only itself back, and none is told that it succeeded before all are on disk.
/// </summary>
internal sealed class SqliteWriter : IAsyncDisposable
{
    /// <summary>Most writes of one transaction, so that the first does not wait for long.</summary>
    private const int MostTogether = 128;

    private readonly Func<SqliteConnection> _open;
    private readonly Channel<Write> _waiting = Channel.CreateUnbounded<Write>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _loop;
    private SqliteConnection? _connection;

    public SqliteWriter(Func<SqliteConnection> open)
    {
        _open = open;
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
            // Not in a using: its end would fail where SQLite has rolled back by itself, and hide why.
            var transaction = _connection.BeginTransaction(deferred: false);
            var session = new SqlSession(_connection, transaction);
            foreach (var write in group)
            {
                await RunOneAsync(transaction, session, write).ConfigureAwait(false);
            }

            transaction.Commit();
            transaction.Dispose();
        }
        catch (Exception e)
        {
            // Nothing of the group is on disk. What state the connection is in, nobody knows.
            group.ForEach(write => write.Fail(e));
            Abandon();
        }

        group.ForEach(write => write.Complete());
    }

    private static async Task RunOneAsync(SqliteTransaction transaction, SqlSession session, Write write)
    {
        transaction.Save("one");
        try
        {
            await write.RunAsync(session).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            write.Fail(e);
            TakeBack(transaction, e);
        }

        transaction.Release("one");
    }

    private static void TakeBack(SqliteTransaction transaction, Exception why)
    {
        try
        {
            transaction.Rollback("one");
        }
        catch (Exception e) when (e is SqliteException or InvalidOperationException)
        {
            // After a full disk there is no transaction any more to go back in: the whole group fails, for the same reason.
            ExceptionDispatchInfo.Throw(why);
        }
    }

    /// <summary>
    /// Closes the connection. The driver rolls back what it began and fails, leaving the file open, where SQLite did so itself after a full disk: then it gets a
    /// transaction to roll back.
    /// </summary>
    private void Abandon()
    {
        var connection = _connection;
        _connection = null;
        if (connection is { State: ConnectionState.Open })
        {
            _ = raw.sqlite3_exec(connection.Handle, "BEGIN");
        }

        connection?.Dispose();
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
