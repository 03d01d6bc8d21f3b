using System.Threading.RateLimiting;
using AgentLightning.Server.Limits;
using Microsoft.Extensions.Time.Testing;

namespace AgentLightning.Server.Tests;

public sealed class SlidingMinuteTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void In_no_minute_is_more_than_the_limit_granted_and_what_is_refused_is_told_when_to_come_again()
    {
        using var limiter = new SlidingMinute<string>(who => new RateShare(who, 10), _time);
        Assert.Equal(4, Granted(limiter, "a", 4));
        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(6, Granted(limiter, "a", 20));

        using var refused = limiter.AttemptAcquire("a");
        Assert.False(refused.IsAcquired);
        Assert.True(refused.TryGetMetadata(MetadataName.RetryAfter, out var wait));
        Assert.InRange(wait, TimeSpan.FromSeconds(25), TimeSpan.FromSeconds(30));

        _time.Advance(wait);
        Assert.Equal(4, Granted(limiter, "a", 20));
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(10, Granted(limiter, "a", 20));
    }

    [Fact]
    public void Each_has_a_count_of_its_own_and_beyond_those_that_are_counted_one_is_shared()
    {
        using var limiter = new SlidingMinute<string>(who => new RateShare(who, 2), _time, mostCounted: 2);

        Assert.Equal((2, 2), (Granted(limiter, "a", 3), Granted(limiter, "b", 3)));
        Assert.Equal((2, 0), (Granted(limiter, "c", 3), Granted(limiter, "d", 3)));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal((2, 2), (Granted(limiter, "c", 3), Granted(limiter, "d", 3)));
    }

    [Fact]
    public void Of_many_at_once_no_more_than_the_limit_are_granted()
    {
        using var limiter = new SlidingMinute<string>(who => new RateShare(who, 1_000), _time);
        var granted = 0;

        Parallel.For(0, 5_000, _ => Interlocked.Add(ref granted, Granted(limiter, "a", 1)));

        Assert.Equal(1_000, granted);
    }

    private static int Granted(SlidingMinute<string> limiter, string who, int times)
    {
        var granted = 0;
        for (var i = 0; i < times; i++)
        {
            using var lease = limiter.AttemptAcquire(who);
            granted += lease.IsAcquired ? 1 : 0;
        }

        return granted;
    }
}
