using AgentLightning.Spending;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class SpendStoreConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    private readonly FakeTimeProvider _clock = new(Noon);

    private ISpendStore Store => Get<ISpendStore>();

    private string Month => Spend.MonthOf(_clock.GetUtcNow());

    [Fact]
    public async Task Amounts_add_up_for_each_key_and_month()
    {
        await Store.AddAsync([new("key a", "2026-01", 5), new("key b", "2026-01", 1), new("key a", "2026-02", 100)], Token);
        await Store.AddAsync([new("key a", "2026-01", 7)], Token);

        Assert.Equal([new("key a", "2026-01", 12), new("key b", "2026-01", 1)], await Store.ReadAsync("2026-01", Token));
        Assert.Empty(await Store.ReadAsync("2026-03", Token));
    }

    [Fact]
    public async Task Two_servers_see_each_other_s_spending_and_a_new_one_what_was_spent()
    {
        using var one = new SpendLedger(Store, _clock);
        using var other = new SpendLedger(Store, _clock);
        one.Add("key a", 5);
        other.Add("key a", 7);
        Assert.Equal(5, await one.OfAsync("key a", Token));

        await one.SyncAsync(Token);
        await other.SyncAsync(Token);
        await one.SyncAsync(Token);

        Assert.Equal((12, 12), (await one.OfAsync("key a", Token), await other.OfAsync("key a", Token)));
        using var later = new SpendLedger(Store, _clock);
        Assert.Equal(12, await later.OfAsync("key a", Token));
        Assert.Equal(0, await later.OfAsync("key b", Token));
    }

    [Fact]
    public async Task A_month_begins_with_nothing()
    {
        using var ledger = new SpendLedger(Store, _clock);
        ledger.Add("key a", 5);
        var before = Month;

        _clock.Advance(TimeSpan.FromDays(31));

        Assert.Equal(0, await ledger.OfAsync("key a", Token));
        Assert.Equal(5, Assert.Single(await Store.ReadAsync(before, Token)).Amount);
    }

    [Fact]
    public async Task What_cannot_be_written_is_written_later_and_once()
    {
        var store = new Failing(Store);
        using var ledger = new SpendLedger(store, _clock);
        await ledger.SyncAsync(Token);
        ledger.Add("key a", 5);

        store.FailsToWrite = true;
        await Assert.ThrowsAsync<IOException>(() => ledger.SyncAsync(Token));
        Assert.Equal(5, await ledger.OfAsync("key a", Token));

        (store.FailsToWrite, store.FailsToRead) = (false, true);
        await Assert.ThrowsAsync<IOException>(() => ledger.SyncAsync(Token));
        Assert.Equal(5, await ledger.OfAsync("key a", Token));

        store.FailsToRead = false;
        await ledger.SyncAsync(Token);
        Assert.Equal(5, await ledger.OfAsync("key a", Token));
        Assert.Equal(5, Assert.Single(await Store.ReadAsync(Month, Token)).Amount);
    }

    /// <summary>A store that is away now and then.</summary>
    private sealed class Failing(ISpendStore store) : ISpendStore
    {
        public bool FailsToWrite { get; set; }

        public bool FailsToRead { get; set; }

        public Task AddAsync(IReadOnlyList<Spend> amounts, CancellationToken cancellationToken) =>
            FailsToWrite ? throw new IOException("away") : store.AddAsync(amounts, cancellationToken);

        public Task<IReadOnlyList<Spend>> ReadAsync(string month, CancellationToken cancellationToken) =>
            FailsToRead ? throw new IOException("away") : store.ReadAsync(month, cancellationToken);
    }
}
