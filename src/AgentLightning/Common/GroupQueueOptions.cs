namespace AgentLightning.Common;

/// <summary>Limits of a <see cref="GroupQueue{TItem, TResult}"/>.</summary>
internal sealed record GroupQueueOptions
{
    /// <summary>Items that may wait; null for a queue whose items are bounded by who adds them.</summary>
    public int? Capacity { get; init; }

    /// <summary>Bytes of items that wait or are under way; one that is alone is let in whatever its size.</summary>
    public long CapacityBytes { get; init; } = long.MaxValue;

    /// <summary>Most items of a group by their weights, so that the first does not wait for long; 128 by default.</summary>
    public int GroupSize { get; init; } = 128;

    /// <summary>How long who adds an item waits for room.</summary>
    public TimeSpan FullWait { get; init; }
}
