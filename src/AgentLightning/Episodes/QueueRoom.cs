namespace AgentLightning.Episodes;

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

    /// <summary>
    /// What an episode holds in memory, about: two bytes for each character of what may be long, and a little for the rest.
    /// </summary>
    public static long SizeOf(Episode episode)
    {
        const int Rest = 1_000;
        var characters = LengthOf(episode.UserInput) + LengthOf(episode.AssistantOutput) + LengthOf(episode.Error);
        // By number: an enumerator would be an allocation on the caller's thread.
        for (var i = 0; i < episode.ToolCalls.Count; i++)
        {
            // One that is not there is refused by who reads it.
            if (episode.ToolCalls[i] is not { } call)
            {
                continue;
            }

            characters += 100 + LengthOf(call.Arguments) + LengthOf(call.Result) + LengthOf(call.Error);
        }

        for (var i = 0; i < episode.Messages.Count; i++)
        {
            if (episode.Messages[i] is not { } message)
            {
                continue;
            }

            characters += 100 + LengthOf(message.Content);
            for (var j = 0; j < (message.ToolCalls?.Count ?? 0); j++)
            {
                characters += 100 + LengthOf(message.ToolCalls![j].Arguments);
            }
        }

        if (episode.Metadata is { Count: > 0 } metadata)
        {
            characters += metadata.Sum(pair => LengthOf(pair.Key) + LengthOf(pair.Value));
        }

        return Rest + (2 * characters);
    }

    public bool TryEnter(long bytes)
    {
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

    private static long LengthOf(string? text) => text?.Length ?? 0;
}
