using System.Threading.RateLimiting;

namespace AgentLightning.Server.Limits;

/// <summary>Whom a request counts for, and how many a minute may have.</summary>
internal readonly record struct RateShare(string Who, int Permits);

/// <summary>
/// Counts what each asks for over the last minute, in twelve parts of it, and refuses what is more. It works when it is asked and has no
/// timer, so that a server that does nothing costs nothing; the framework's own wakes up ten times a second.
/// </summary>
/// <remarks>Any thread may call. Memory is bounded: who is beyond the hundred thousand of a minute shares one count.</remarks>
internal sealed class SlidingMinute<TResource>(Func<TResource, RateShare> shareOf, TimeProvider time, int mostCounted = 100_000)
    : PartitionedRateLimiter<TResource>
{
    private const int Parts = 12;
    private static readonly TimeSpan s_part = TimeSpan.FromSeconds(5);
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Count> _counts = new(StringComparer.Ordinal);
    private readonly long _start = time.GetTimestamp();
    private long _cleaned;

    public override RateLimiterStatistics? GetStatistics(TResource resource) => null;

    protected override RateLimitLease AttemptAcquireCore(TResource resource, int permitCount)
    {
        var share = shareOf(resource);
        var elapsed = time.GetElapsedTime(_start);
        var now = elapsed.Ticks / s_part.Ticks;
        lock (_lock)
        {
            Clean(now);
            if (!_counts.TryGetValue(share.Who, out var count))
            {
                var who = _counts.Count < mostCounted ? share.Who : "";
                if (!_counts.TryGetValue(who, out count))
                {
                    _counts[who] = count = new Count();
                }
            }

            count.Forget(now);
            if (count.Sum + permitCount <= share.Permits)
            {
                count.Add(now, permitCount);
                return new Lease(null);
            }

            var free = count.Reaches(share.Permits - permitCount);
            return new Lease(s_part * free - elapsed);
        }
    }

    protected override ValueTask<RateLimitLease> AcquireAsyncCore(
        TResource resource,
        int permitCount,
        CancellationToken cancellationToken
    ) => new(AttemptAcquireCore(resource, permitCount));

    /// <summary>Once a minute who has not asked since is forgotten.</summary>
    private void Clean(long now)
    {
        if (now - _cleaned < Parts)
        {
            return;
        }

        _cleaned = now;
        foreach (var (who, count) in _counts)
        {
            if (now - count.Last >= Parts)
            {
                _counts.Remove(who);
            }
        }
    }

    /// <summary>What one asked for, by part of the minute.</summary>
    private sealed class Count
    {
        private readonly int[] _parts = new int[Parts];

        public long Last { get; private set; }

        public int Sum { get; private set; }

        public void Forget(long now)
        {
            for (var part = Math.Max(Last + 1, now - Parts + 1); part <= now; part++)
            {
                Sum -= _parts[part % Parts];
                _parts[part % Parts] = 0;
            }

            Last = now;
        }

        public void Add(long now, int permits)
        {
            _parts[now % Parts] += permits;
            Sum += permits;
        }

        /// <summary>The part at whose beginning no more than this is left.</summary>
        public long Reaches(int left)
        {
            var sum = Sum;
            for (var part = Last - Parts + 1; part <= Last; part++)
            {
                sum -= part < 0 ? 0 : _parts[part % Parts];
                if (sum <= left)
                {
                    return part + Parts;
                }
            }

            return Last + Parts;
        }
    }

    private sealed class Lease(TimeSpan? retryAfter) : RateLimitLease
    {
        public override bool IsAcquired => retryAfter is null;

        public override IEnumerable<string> MetadataNames => retryAfter is null ? [] : [MetadataName.RetryAfter.Name];

        public override bool TryGetMetadata(string metadataName, out object? metadata)
        {
            metadata = metadataName == MetadataName.RetryAfter.Name ? retryAfter : null;
            return metadata is not null;
        }
    }
}
