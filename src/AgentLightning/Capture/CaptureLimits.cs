namespace AgentLightning.Capture;

/// <summary>How large a batch may be, after decompression.</summary>
public static class CaptureLimits
{
    /// <summary>Bytes of one line.</summary>
    public const int LongestLine = 8 * 1024 * 1024;

    /// <summary>Bytes of a batch.</summary>
    public const long LargestBatch = 64 * 1024 * 1024;

    /// <summary>Lines of a batch.</summary>
    public const int MostLines = 100_000;
}
