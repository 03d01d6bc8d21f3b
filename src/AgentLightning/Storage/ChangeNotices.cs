namespace AgentLightning.Storage;

/// <summary>
/// What the engines have in common. A change raises a number in the transaction that makes it; whoever listens compares the numbers with
/// those it knows, when it is told to and after every break, and so misses nothing.
/// </summary>
internal abstract class ChangeNotices(SqlDatabase database) : IChangeNotices, IAsyncDisposable
{
    private const string RaiseSql = """
        INSERT INTO changes (topic, subject, number) VALUES (@topic, @subject, 1)
        ON CONFLICT (topic, subject) DO UPDATE SET number = changes.number + 1
        """;

    private readonly Lock _gate = new();
    private readonly List<Subscription> _subscriptions = [];
    private readonly CancellationTokenSource _over = new();
    private Dictionary<(string Topic, string Subject), long>? _known;
    private Task? _listening;
    private bool _disposed;

    protected SqlDatabase Database { get; } = database;

    public IDisposable Subscribe(string topic, Action<string> changed)
    {
        var subscription = new Subscription(this, topic, changed);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _subscriptions.Add(subscription);
            _listening ??= Task.Run(() => ListenAsync(_over.Token));
        }

        return subscription;
    }

    /// <summary>Writes, and tells of a change when that is on disk.</summary>
    public async Task<T> WriteAsync<T>(Func<SqlSession, Task<T>> work, string topic, string subject, CancellationToken cancellationToken)
    {
        var result = await Database
            .WriteAsync(
                async session =>
                {
                    var written = await work(session).ConfigureAwait(false);
                    // Last: who changes the same waits for the row until the end of the transaction.
                    await RaiseAsync(session, topic, subject, cancellationToken).ConfigureAwait(false);
                    return written;
                },
                cancellationToken
            )
            .ConfigureAwait(false);
        // At once, so that whoever asks after the write finds what it changed.
        foreach (var subscription in SubscriptionsTo(topic))
        {
            subscription.Tell(subject);
        }

        return result;
    }

    /// <summary>The part of a change that belongs to its transaction.</summary>
    protected virtual Task RaiseAsync(SqlSession session, string topic, string subject, CancellationToken cancellationToken) =>
        session.ExecuteAsync(RaiseSql, cancellationToken, ("@topic", topic), ("@subject", subject));

    /// <remarks>More than once, since it is registered under its contract as well.</remarks>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
        }

        await _over.CancelAsync().ConfigureAwait(false);
        await (_listening ?? Task.CompletedTask).ConfigureAwait(false);
        _over.Dispose();
    }

    /// <summary>Calls <see cref="CompareAsync"/> whenever others may have changed something, until cancelled. Does not throw.</summary>
    protected abstract Task ListenAsync(CancellationToken cancellationToken);

    /// <summary>Tells what changed since the last time; the first time everything that ever did.</summary>
    protected async Task CompareAsync(CancellationToken cancellationToken)
    {
        var numbers = await Database
            .LookAsync(
                session =>
                    session.QueryAsync(
                        "SELECT topic, subject, number FROM changes",
                        reader => (Key: (reader.Text("topic"), reader.Text("subject")), Number: reader.Integer("number")),
                        cancellationToken
                    ),
                cancellationToken
            )
            .ConfigureAwait(false);
        var known = _known;
        _known = numbers.ToDictionary(row => row.Key, row => row.Number);
        foreach (var ((topic, subject), number) in numbers)
        {
            if (known?.GetValueOrDefault((topic, subject)) != number)
            {
                Tell(topic, subject);
            }
        }
    }

    private void Tell(string topic, string subject)
    {
        foreach (var subscription in SubscriptionsTo(topic))
        {
            ThreadPool.UnsafeQueueUserWorkItem(_ => subscription.Tell(subject), null);
        }
    }

    private Subscription[] SubscriptionsTo(string topic)
    {
        lock (_gate)
        {
            return [.. _subscriptions.Where(subscription => subscription.Topic == topic)];
        }
    }

    private sealed class Subscription(ChangeNotices notices, string topic, Action<string> changed) : IDisposable
    {
        public string Topic { get; } = topic;

        public void Tell(string subject)
        {
            try
            {
                changed(subject);
            }
            catch (Exception)
            {
                // A listener's mistake is not to end the process.
            }
        }

        public void Dispose()
        {
            lock (notices._gate)
            {
                notices._subscriptions.Remove(this);
            }
        }
    }
}
