namespace AgentLightning.Traces;

/// <summary>Bytes that may be in use at once. Who asks for more than is left waits in line, up to a limit.</summary>
internal sealed class ByteBudget(long capacity, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly LinkedList<(long Bytes, TaskCompletionSource Granted)> _line = [];
    private long _used;

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

    /// <summary>True when the bytes are granted, and must be given back; false when there was no room in time.</summary>
    public async Task<bool> TakeAsync(long bytes, TimeSpan wait, CancellationToken cancellationToken)
    {
        LinkedListNode<(long Bytes, TaskCompletionSource Granted)> place;
        lock (_lock)
        {
            if (_line.Count == 0 && _used + bytes <= capacity)
            {
                _used += bytes;
                return true;
            }

            if (wait <= TimeSpan.Zero || bytes > capacity)
            {
                return false;
            }

            place = _line.AddLast((bytes, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)));
        }

        try
        {
            await place.Value.Granted.Task.WaitAsync(wait, time, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            Leave(place);
            return false;
        }
        catch (OperationCanceledException)
        {
            Leave(place);
            throw;
        }
    }

    public void Give(long bytes)
    {
        lock (_lock)
        {
            _used -= bytes;
            Grant();
        }
    }

    private void Leave(LinkedListNode<(long Bytes, TaskCompletionSource Granted)> place)
    {
        lock (_lock)
        {
            if (place.Value.Granted.Task.IsCompleted)
            {
                // Granted in the same moment.
                _used -= place.Value.Bytes;
            }
            else
            {
                _line.Remove(place);
            }

            Grant();
        }
    }

    private void Grant()
    {
        while (_line.First is { } first && _used + first.Value.Bytes <= capacity)
        {
            _used += first.Value.Bytes;
            _line.RemoveFirst();
            first.Value.Granted.SetResult();
        }
    }
}
