using AgentLightning.Common;
using Microsoft.Extensions.Time.Testing;

namespace AgentLightning.Tests.Common;

public sealed class ByteBudgetTests
{
    private const long Mebibyte = 1 << 20;
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_connection_and_no_key_holds_more_than_its_share_and_the_rest_is_there_for_others()
    {
        var budget = Budget(TimeSpan.Zero);
        using var one = budget.Open("greedy", "c1");
        using var two = budget.Open("greedy", "c2");
        using var other = budget.Open("modest", "c3");

        Assert.True(await one.TryTakeAsync(30 * Mebibyte, Token));
        Assert.False(await one.TryTakeAsync(11 * Mebibyte, Token));
        Assert.True(await two.TryTakeAsync(19 * Mebibyte, Token));
        Assert.False(await two.TryTakeAsync(2 * Mebibyte, Token));
        Assert.True(await other.TryTakeAsync(40 * Mebibyte, Token));
        Assert.Equal(89 * Mebibyte, budget.Used);
    }

    [Fact]
    public async Task Who_waits_for_its_own_share_keeps_nobody_else_waiting()
    {
        var budget = Budget(TimeSpan.FromSeconds(5));
        using var greedy = budget.Open("greedy", "c1");
        using var other = budget.Open("modest", "c2");
        await greedy.TakeAsync(40 * Mebibyte, Token);

        var waiting = greedy.TryTakeAsync(Mebibyte, Token).AsTask();
        Assert.True(await other.TryTakeAsync(Mebibyte, Token));
        Assert.False(waiting.IsCompleted);
        greedy.Give(Mebibyte);

        Assert.True(await waiting);
    }

    [Fact]
    public async Task Who_finds_no_room_in_time_is_told_so_and_holds_no_more_than_before()
    {
        var budget = Budget(TimeSpan.FromSeconds(5));
        using var share = budget.Open("k", "c");
        await share.TakeAsync(40 * Mebibyte, Token);

        var waiting = share.TakeAsync(Mebibyte, Token).AsTask();
        _time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(ErrorKind.Unavailable, (await Assert.ThrowsAsync<LightningException>(() => waiting)).Kind);
        Assert.Equal(40 * Mebibyte, budget.Used);
        Assert.False(await budget.Open("k2", "c2").TryTakeAsync(41 * Mebibyte, Token));
    }

    [Fact]
    public async Task Who_came_first_for_what_is_left_gets_it_first()
    {
        var budget = Budget(TimeSpan.FromMinutes(1));
        var holders = Enumerable.Range(0, 3).Select(i => budget.Open($"k{i}", $"c{i}")).ToList();
        foreach (var holder in holders)
        {
            await holder.TakeAsync(33 * Mebibyte, Token);
        }

        using var large = budget.Open("large", "c8");
        using var small = budget.Open("small", "c9");
        var first = large.TryTakeAsync(30 * Mebibyte, Token).AsTask();
        var second = small.TryTakeAsync(Mebibyte, Token).AsTask();
        Assert.Equal((false, false), (first.IsCompleted, second.IsCompleted));
        holders[0].Dispose();

        Assert.True(await first);
        Assert.True(await second);
    }

    [Fact]
    public async Task What_was_cancelled_and_what_was_closed_is_given_back()
    {
        var budget = Budget(TimeSpan.FromMinutes(1));
        using var cancel = new CancellationTokenSource();
        var share = budget.Open("k", "c");
        await share.TakeAsync(40 * Mebibyte, Token);
        var waiting = share.TryTakeAsync(Mebibyte, cancel.Token).AsTask();

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        share.Dispose();
        share.Dispose();
        Assert.Equal(0, budget.Used);
    }

    [Theory]
    [InlineData(1, 50, 40, "Bytes")]
    [InlineData(Mebibyte, 0, 40, "KeyPercent")]
    [InlineData(Mebibyte, 50, 101, "ConnectionPercent")]
    public void Options_out_of_range_are_refused_by_name(long bytes, int key, int connection, string named)
    {
        var options = new ByteBudgetOptions
        {
            Bytes = bytes,
            KeyPercent = key,
            ConnectionPercent = connection,
        };

        var error = Assert.Throws<LightningException>(() => new ByteBudget(options, _time));

        Assert.StartsWith(named, error.Message, StringComparison.Ordinal);
    }

    private ByteBudget Budget(TimeSpan wait) => new(new ByteBudgetOptions { Bytes = 100 * Mebibyte, FullWait = wait }, _time);
}
