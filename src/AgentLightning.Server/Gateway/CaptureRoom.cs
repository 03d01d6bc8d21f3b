namespace AgentLightning.Server.Gateway;

/// <summary>Bytes that calls under way may keep for capture.</summary>
/// <remarks>Any thread may call.</remarks>
internal sealed class CaptureRoom(GatewayOptions options)
{
    private long _used,
        _missed;

    public long Used => Interlocked.Read(ref _used);

    /// <summary>Calls that found no room.</summary>
    public long Missed => Interlocked.Read(ref _missed);

    public bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _used, bytes) <= options.CaptureBytes)
        {
            return true;
        }

        Interlocked.Add(ref _used, -bytes);
        Interlocked.Increment(ref _missed);
        return false;
    }

    public void Give(long bytes) => Interlocked.Add(ref _used, -bytes);
}
