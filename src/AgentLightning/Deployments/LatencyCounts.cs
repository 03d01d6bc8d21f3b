using AgentLightning.Storage;

namespace AgentLightning.Deployments;

/// <summary>How many episodes of a release took how long.</summary>
/// <param name="Episodes">For each of the <see cref="LatencyBuckets"/>.</param>
public sealed record LatencyCounts(IReadOnlyList<long> Episodes)
{
    /// <summary>All of them.</summary>
    public long Total { get; } = Episodes.Sum();

    /// <summary>
    /// The time in milliseconds within which this share of the episodes was answered, rounded up to the edge of its bucket; 0 without an
    /// episode.
    /// </summary>
    public double Percentile(double share)
    {
        if (Total == 0)
        {
            return 0;
        }

        var (needed, seen) = ((long)Math.Ceiling(share * Total), 0L);
        for (var bucket = 0; bucket < Episodes.Count; bucket++)
        {
            seen += Episodes[bucket];
            if (seen >= needed)
            {
                return LatencyBuckets.UpperMs(bucket);
            }
        }

        return LatencyBuckets.UpperMs(LatencyBuckets.Count - 1);
    }

    /// <summary>The share of episodes that took at least so long, 0…1, where <paramref name="ms"/> is the edge of a bucket.</summary>
    public double ShareFrom(double ms)
    {
        var slow = 0L;
        for (var bucket = 0; bucket < Episodes.Count; bucket++)
        {
            slow += LatencyBuckets.UpperMs(bucket) > ms ? Episodes[bucket] : 0;
        }

        return Total == 0 ? 0 : (double)slow / Total;
    }

    /// <summary>The first edge of a bucket that is at least this, in milliseconds.</summary>
    public static double EdgeFrom(double ms)
    {
        for (var bucket = 0; bucket < LatencyBuckets.Count; bucket++)
        {
            if (LatencyBuckets.UpperMs(bucket) >= ms)
            {
                return LatencyBuckets.UpperMs(bucket);
            }
        }

        return LatencyBuckets.UpperMs(LatencyBuckets.Count - 1);
    }
}
