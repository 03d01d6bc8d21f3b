namespace AgentLightning.Storage;

/// <summary>
/// How long writes wait for a lock that another process holds: each at most the limit from its own arrival, and none once the lock was
/// missed for the whole limit without a pause. So what waits behind others that waited in vain does not wait the limit anew.
/// </summary>
internal sealed class SqliteLockWait(TimeSpan limit, TimeProvider time)
{
    /// <summary>Writes that come closer together than this are one time of waiting.</summary>
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(250);
    private long? _missedSince;
    private long _missedLast;

    /// <summary>The lock was had.</summary>
    public void Got() => _missedSince = null;

    /// <summary>The lock was not to be had.</summary>
    /// <param name="isFirst">Whether it is the first look after a time in which nobody looked.</param>
    public void Missed(bool isFirst)
    {
        if (_missedSince is null || (isFirst && time.GetElapsedTime(_missedLast) > s_pause))
        {
            _missedSince = time.GetTimestamp();
        }

        _missedLast = time.GetTimestamp();
    }

    /// <summary>Whether a write that arrived then waits no longer.</summary>
    public bool IsOver(long arrived) => time.GetElapsedTime(_missedSince is { } since && since < arrived ? since : arrived) >= limit;
}
