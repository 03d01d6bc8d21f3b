using System.Globalization;

namespace AgentLightning.Storage;

/// <summary>
/// What the times of a release's episodes are counted in: between 80 edges, the first 1 ms and each 2^(1/4) times the one before, the last
/// about 15 minutes. A percentile out of them is right within a fifth.
/// </summary>
public static class LatencyBuckets
{
    private static readonly long[] s_edges =
    [
        .. Enumerable.Range(0, 80).Select(k => (long)Math.Round(1_000 * Math.Pow(2, k / 4.0), MidpointRounding.ToEven)),
    ];

    /// <summary>How many there are.</summary>
    public static int Count => s_edges.Length + 1;

    /// <summary>The edges as rows of SQL.</summary>
    internal static string EdgesSql { get; } =
        string.Join(", ", s_edges.Select(edge => string.Create(CultureInfo.InvariantCulture, $"({edge})")));

    /// <summary>Where a time lies: how many edges it has reached.</summary>
    public static int Of(double latencyMs)
    {
        var microseconds = (long)Math.Round(latencyMs * 1_000, MidpointRounding.AwayFromZero);
        var at = Array.BinarySearch(s_edges, microseconds);
        return at >= 0 ? at + 1 : ~at;
    }

    /// <summary>The time in milliseconds under which all of a bucket lies; for the last, as if there were one edge more.</summary>
    public static double UpperMs(int bucket) =>
        bucket < s_edges.Length ? s_edges[bucket] / 1_000.0 : s_edges[^1] * Math.Pow(2, 0.25) / 1_000;
}
