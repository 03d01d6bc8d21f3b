using AgentLightning.Storage;

namespace AgentLightning.Tests.Storage;

public sealed class SqliteLockWaitTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(3);
    private readonly FakeTimeProvider _clock = new();
    private readonly SqliteLockWait _wait;

    public SqliteLockWaitTests() => _wait = new SqliteLockWait(s_limit, _clock);

    [Fact]
    public void A_write_waits_its_limit_and_one_that_waited_behind_it_does_not_wait_anew()
    {
        var first = _clock.GetTimestamp();
        _wait.Missed(isFirst: true);
        Assert.False(_wait.IsOver(first));
        Pass(TimeSpan.FromSeconds(2));
        var second = _clock.GetTimestamp();
        Assert.False(_wait.IsOver(second));
        Pass(TimeSpan.FromSeconds(1));

        Assert.True(_wait.IsOver(first));
        Assert.True(_wait.IsOver(second));
    }

    [Fact]
    public void After_a_pause_and_after_the_lock_was_had_the_limit_begins_anew()
    {
        _wait.Missed(isFirst: true);
        Pass(s_limit);
        _clock.Advance(TimeSpan.FromSeconds(1));
        var afterPause = _clock.GetTimestamp();
        _wait.Missed(isFirst: true);
        Assert.False(_wait.IsOver(afterPause));

        Pass(s_limit);
        _wait.Got();
        var afterLock = _clock.GetTimestamp();
        _wait.Missed(isFirst: true);
        Assert.False(_wait.IsOver(afterLock));
    }

    private void Pass(TimeSpan time)
    {
        for (var left = time; left > TimeSpan.Zero; left -= TimeSpan.FromMilliseconds(100))
        {
            _clock.Advance(TimeSpan.FromMilliseconds(100));
            _wait.Missed(isFirst: false);
        }
    }
}
