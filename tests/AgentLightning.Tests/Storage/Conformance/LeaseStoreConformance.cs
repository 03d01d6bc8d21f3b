using AgentLightning.Storage;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class LeaseStoreConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    private static readonly TimeSpan s_minute = TimeSpan.FromMinutes(1);
    private readonly FakeTimeProvider _clock = new(Noon);

    private SqlLeaseStore Store => new(Get<SqlDatabase>(), _clock);

    [Fact]
    public async Task One_has_a_lease_and_the_next_one_when_it_is_let_go()
    {
        var first = await Store.TryAcquireAsync("work", "a", s_minute, Token);

        Assert.Equal(new Lease("work", "a", 1, Noon + s_minute), first);
        Assert.Null(await Store.TryAcquireAsync("work", "b", s_minute, Token));
        Assert.Equal(first, await Store.FindAsync("work", Token));
        Assert.NotNull(await Store.TryAcquireAsync("other work", "b", s_minute, Token));

        await Store.ReleaseAsync(first!, Token);

        Assert.Null(await Store.FindAsync("work", Token));
        Assert.Equal(new Lease("work", "b", 2, Noon + s_minute), await Store.TryAcquireAsync("work", "b", s_minute, Token));
    }

    [Fact]
    public async Task A_lease_that_is_renewed_stays_and_one_that_is_not_runs_out()
    {
        var lease = (await Store.TryAcquireAsync("work", "a", s_minute, Token))!;
        _clock.Advance(s_minute / 2);
        lease = (await Store.TryRenewAsync(lease, s_minute, Token))!;
        _clock.Advance(s_minute / 2);

        Assert.Null(await Store.TryAcquireAsync("work", "b", s_minute, Token));

        _clock.Advance(s_minute / 2);
        var taken = (await Store.TryAcquireAsync("work", "b", s_minute, Token))!;
        Assert.True(taken.Token > lease.Token);
        Assert.Null(await Store.TryRenewAsync(lease, s_minute, Token));
        await Store.ReleaseAsync(lease, Token);
        Assert.Equal(taken, await Store.FindAsync("work", Token));
    }

    [Fact]
    public async Task Of_many_that_take_it_at_once_one_has_it()
    {
        for (var round = 1; round <= 5; round++)
        {
            var taken = await Task.WhenAll(
                Enumerable.Range(0, 16).Select(i => Task.Run(() => Store.TryAcquireAsync("work", $"owner{i}", s_minute, Token)))
            );

            var lease = Assert.Single(taken, lease => lease is not null)!;
            Assert.Equal(round, lease.Token);
            await Store.ReleaseAsync(lease, Token);
        }
    }

    [Fact]
    public async Task Who_holds_a_lease_is_told_when_it_was_lost_and_renews_it_until_then()
    {
        var leases = new Leases(Store, _clock);
        await using var held = (await leases.TryHoldAsync("work", Token))!;
        var lost = new TaskCompletionSource();
        held.Lost.Register(lost.SetResult);

        await Engine.DamageAsync("UPDATE leases SET token = token + 1 WHERE name = @id", "work");
        _clock.Advance(Leases.Duration);

        await lost.Task.WaitAsync(Token);
    }
}
