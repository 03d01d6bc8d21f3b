namespace AgentLightning.Common;

/// <summary>Bytes that may wait in a queue. One that is alone is let in whatever its size.</summary>
/// <remarks>Any thread may call.</remarks>
internal sealed class QueueRoom(long capacity)
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
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

    public bool TryEnter(long bytes)
    {
        if (bytes == 0)
        {
            return true;
        }

        lock (_lock)
        {
            if (_used > 0 && _used + bytes > capacity)
            {
                return false;
            }

            _used += bytes;
            return true;
        }
    }

    public async Task EnterAsync(long bytes, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task left;
            lock (_lock)
            {
                left = _left.Task;
            }

            if (TryEnter(bytes))
            {
                return;
            }

            await left.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public void Leave(long bytes)
    {
        if (bytes == 0)
        {
            return;
        }

        TaskCompletionSource left;
        lock (_lock)
        {
            _used -= bytes;
            (left, _left) = (_left, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        left.SetResult();
    }
}
