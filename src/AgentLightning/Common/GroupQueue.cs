using System.Threading.Channels;

namespace AgentLightning.Common;

/// <summary>
/// Does together what is asked for one by one: what comes while a group is under way is the next group. Whoever waits for an item is told
/// what became of it, also when the work fails.
/// </summary>
/// <remarks>Any thread may call. Disposal does what is queued.</remarks>
internal sealed class GroupQueue<TItem, TResult> : IAsyncDisposable
{
    private readonly IGroupWork<TItem, TResult> _work;
    private readonly GroupQueueOptions _options;
    private readonly TimeProvider _time;
    private readonly Channel<QueuedItem<TItem, TResult>> _queue;
    private readonly QueueRoom _room;
    private readonly Task _loop;
    private volatile bool _isClosed;

    public GroupQueue(IGroupWork<TItem, TResult> work, GroupQueueOptions options, TimeProvider time)
    {
        (_work, _options, _time) = (work, options, time);
        _room = new QueueRoom(options.CapacityBytes);
        _queue = options.Capacity is { } capacity
            ? Channel.CreateBounded<QueuedItem<TItem, TResult>>(new BoundedChannelOptions(capacity) { SingleReader = true })
            : Channel.CreateUnbounded<QueuedItem<TItem, TResult>>(new UnboundedChannelOptions { SingleReader = true });
        _loop = Task.Run(RunAsync);
    }

    /// <summary>What waits for a group.</summary>
    public int Count => _queue.Reader.Count;

    /// <summary>Bytes of what waits or is under way.</summary>
    public long Bytes => _room.Used;

    /// <summary>Whether nothing more is taken.</summary>
    public bool IsClosed => _isClosed;

    /// <summary>What tells a caller; continuations run elsewhere, since the queue must not run its callers' code.</summary>
    public static TaskCompletionSource<TResult> NewDone() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>
    /// Queues an item. Completes at once while there is room; else it waits up to <see cref="GroupQueueOptions.FullWait"/>. False means
    /// that the item was not taken: there was no room, or the queue <see cref="IsClosed"/>.
    /// </summary>
    /// <param name="done">Told what became of an item that was taken; null when nobody waits for it.</param>
    public ValueTask<bool> AddAsync(TItem item, long bytes, TaskCompletionSource<TResult>? done, CancellationToken cancellationToken)
    {
        var entry = new QueuedItem<TItem, TResult>(item, bytes, done, null);
        var entered = _room.TryEnter(bytes);
        return entered && _queue.Writer.TryWrite(entry) ? new(true) : WaitForRoomAsync(entry, entered, cancellationToken);
    }

    /// <summary>Queues an item for which nobody waits, if there is room at once.</summary>
    public bool TryAdd(TItem item, long bytes)
    {
        if (!_room.TryEnter(bytes))
        {
            return false;
        }

        if (_queue.Writer.TryWrite(new QueuedItem<TItem, TResult>(item, bytes, null, null)))
        {
            return true;
        }

        _room.Leave(bytes);
        return false;
    }

    /// <summary>
    /// Completes when the item is done; errors are those of this item alone. For a queue without bounds: one that is full or closed throws
    /// <see cref="ObjectDisposedException"/>.
    /// </summary>
    public Task<TResult> DoAsync(TItem item, CancellationToken cancellationToken)
    {
        var done = NewDone();
        return _queue.Writer.TryWrite(new QueuedItem<TItem, TResult>(item, 0, done, null))
            ? done.Task.WaitAsync(cancellationToken)
            : Task.FromException<TResult>(new ObjectDisposedException(GetType().Name));
    }

    /// <summary>Completes when everything that was queued before the call is done.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await _queue
                .Writer.WriteAsync(new QueuedItem<TItem, TResult>(default!, 0, null, reached), cancellationToken)
                .ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            await _loop.ConfigureAwait(false);
            return;
        }

        await reached.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        _isClosed = true;
        _queue.Writer.TryComplete();
        await _loop.ConfigureAwait(false);
    }

    private async ValueTask<bool> WaitForRoomAsync(QueuedItem<TItem, TResult> entry, bool entered, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(_options.FullWait, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            if (!entered)
            {
                await _room.EnterAsync(entry.Bytes, either.Token).ConfigureAwait(false);
                entered = true;
            }

            await _queue.Writer.WriteAsync(entry, either.Token).ConfigureAwait(false);
            entered = false;
            return true;
        }
        catch (Exception e) when (e is ChannelClosedException || (e is OperationCanceledException && limit.IsCancellationRequested))
        {
            return false;
        }
        finally
        {
            // What is queued leaves when it is done.
            _room.Leave(entered ? entry.Bytes : 0);
        }
    }

    private async Task RunAsync()
    {
        var group = new ItemGroup<TItem, TResult>(_work, _queue.Reader, _options.GroupSize);
        while (await _queue.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            group.Fill();
            await RunAsync(group).ConfigureAwait(false);
            var bytes = group.Bytes;
            group.Clear();
            _room.Leave(bytes);
        }
    }

    private async Task RunAsync(ItemGroup<TItem, TResult> group)
    {
        if (group.Count == 0)
        {
            return;
        }

        try
        {
            await _work.RunAsync(group).ConfigureAwait(false);
            if (!group.IsCompleted && group.Count > 0)
            {
                throw new InvalidOperationException($"A group of {group.Count} was not completed by its work.");
            }
        }
        catch (Exception e) when (group.Count > 1 && !group.IsCompleted && _work.IsOfOneItem(e))
        {
            _work.Divided(e, group.Count);
            foreach (var one in group.Divide())
            {
                await RunAsync(one).ConfigureAwait(false);
            }
        }
        catch (Exception e)
        {
            group.Fail(_work.Lost(e, group.Count));
        }
    }
}
