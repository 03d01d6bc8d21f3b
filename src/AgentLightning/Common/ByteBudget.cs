namespace AgentLightning.Common;

/// <summary>
/// Bytes that requests may hold in memory at once: one budget for every door, of which no key and no connection holds more than its share.
/// Who asks for more than is left waits in line, up to a limit. Who waits for its own share keeps nobody else waiting.
/// </summary>
/// <remarks>Any thread may call.</remarks>
public sealed class ByteBudget
{
    private readonly ByteBudgetOptions _options;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Holder> _keys = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Holder> _connections = new(StringComparer.Ordinal);
    private readonly LinkedList<Waiter> _line = [];
    private long _used;

    public ByteBudget(ByteBudgetOptions options, TimeProvider time)
    {
        options.Validate();
        (_options, _time) = (options, time);
    }

    /// <summary>Bytes that are held now.</summary>
    public long Used
    {
        get
        {
            lock (_lock)
            {
                return _used;
            }
        }
    }

    /// <summary>Opens the account of one request, which gives everything back when it is disposed.</summary>
    /// <param name="key">Who sends it: the id of a key, or an address.</param>
    /// <param name="connection">The connection on which it comes.</param>
    public ByteShare Open(string key, string connection)
    {
        lock (_lock)
        {
            return new ByteShare(this, Enter(_keys, key), Enter(_connections, connection));
        }
    }

    internal async ValueTask<bool> TakeAsync(ByteShare share, long bytes, CancellationToken cancellationToken)
    {
        LinkedListNode<Waiter> place;
        lock (_lock)
        {
            // Nobody passes who waits for the same bytes.
            if (FitsShare(share, bytes) && _used + bytes <= _options.Bytes && !_line.Any(waiter => FitsShare(waiter.Share, waiter.Bytes)))
            {
                Add(share, bytes);
                return true;
            }

            if (_options.FullWait <= TimeSpan.Zero || bytes > _options.OfConnection)
            {
                return false;
            }

            place = _line.AddLast(new Waiter(share, bytes));
        }

        try
        {
            await place.Value.Granted.Task.WaitAsync(_options.FullWait, _time, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return Leave(place);
        }
        catch (OperationCanceledException)
        {
            if (Leave(place))
            {
                Give(share, bytes);
            }

            throw;
        }
    }

    internal void Give(ByteShare share, long bytes)
    {
        lock (_lock)
        {
            Add(share, -bytes);
            Grant();
        }
    }

    internal void Close(ByteShare share)
    {
        lock (_lock)
        {
            Add(share, -share.Held);
            Exit(_keys, share.Key);
            Exit(_connections, share.Connection);
            Grant();
        }
    }

    private static Holder Enter(Dictionary<string, Holder> holders, string name)
    {
        if (!holders.TryGetValue(name, out var holder))
        {
            holders[name] = holder = new Holder(name);
        }

        holder.Requests++;
        return holder;
    }

    private static void Exit(Dictionary<string, Holder> holders, Holder holder)
    {
        if (--holder.Requests == 0)
        {
            holders.Remove(holder.Name);
        }
    }

    private bool FitsShare(ByteShare share, long bytes) =>
        share.Key.Held + bytes <= _options.OfKey && share.Connection.Held + bytes <= _options.OfConnection;

    private void Add(ByteShare share, long bytes)
    {
        _used += bytes;
        share.Held += bytes;
        share.Key.Held += bytes;
        share.Connection.Held += bytes;
    }

    /// <summary>In the order in which they came, but past those whose own share is full.</summary>
    private void Grant()
    {
        for (var place = _line.First; place is not null; )
        {
            var (next, waiter) = (place.Next, place.Value);
            if (FitsShare(waiter.Share, waiter.Bytes))
            {
                if (_used + waiter.Bytes > _options.Bytes)
                {
                    return;
                }

                Add(waiter.Share, waiter.Bytes);
                _line.Remove(place);
                waiter.Granted.SetResult();
            }

            place = next;
        }
    }

    /// <summary>Whether it was granted in the same moment.</summary>
    private bool Leave(LinkedListNode<Waiter> place)
    {
        lock (_lock)
        {
            if (place.Value.Granted.Task.IsCompleted)
            {
                return true;
            }

            _line.Remove(place);
            Grant();
            return false;
        }
    }

    /// <summary>What one key or one connection holds; belongs to the lock.</summary>
    internal sealed class Holder(string name)
    {
        public string Name { get; } = name;

        public int Requests { get; set; }

        public long Held { get; set; }
    }

    private sealed record Waiter(ByteShare Share, long Bytes)
    {
        public TaskCompletionSource Granted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
