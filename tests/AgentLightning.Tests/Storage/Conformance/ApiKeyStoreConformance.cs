using AgentLightning.Access;
using AgentLightning.Common;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class ApiKeyStoreConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    private static readonly byte[] s_hash = [.. Enumerable.Range(0, 32).Select(i => (byte)(i * 7))];

    private IApiKeyStore Store => Get<IApiKeyStore>();

    [Fact]
    public async Task A_key_comes_back_as_it_was_stored_also_in_another_process()
    {
        var all = new ApiKey("a", "everything", Role.Admin, null, Noon);
        var scoped = new ApiKey("b", "шop 🔑", Role.Write, ["one", "two"], Noon.AddMinutes(1), Noon.AddDays(1));
        await Store.AddAsync(new StoredApiKey(all, s_hash), Token);
        await Store.AddAsync(new StoredApiKey(scoped, s_hash), Token);

        var other = (await Engine.OpenAsync()).GetRequiredService<IApiKeyStore>();

        var found = await other.FindAsync("b", Token);
        Assert.Equivalent(scoped, found!.Key, strict: true);
        Assert.Equal(s_hash, found.Hash);
        Assert.Null((await other.FindAsync("a", Token))!.Key.Agents);
        Assert.Equal(["b", "a"], (await other.ListAsync(Token)).Select(key => key.Id));
        Assert.Null(await other.FindAsync("B", Token));
    }

    [Fact]
    public async Task An_id_is_given_once()
    {
        await Store.AddAsync(new StoredApiKey(new ApiKey("a", "first", Role.Read, null, Noon), s_hash), Token);

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            Store.AddAsync(new StoredApiKey(new ApiKey("a", "second", Role.Admin, null, Noon), new byte[32]), Token)
        );

        Assert.Equal(ErrorKind.Conflict, error.Kind);
        Assert.Equal("first", (await Store.FindAsync("a", Token))!.Key.Name);
    }

    [Fact]
    public async Task A_revoked_key_keeps_its_time_and_still_counts_as_a_key_that_was_there()
    {
        Assert.False(await Store.AnyAsync(Token));
        await Store.AddAsync(new StoredApiKey(new ApiKey("a", "first", Role.Read, null, Noon), s_hash), Token);

        Assert.True(await Store.RevokeAsync("a", Noon.AddHours(1), Token));
        Assert.True(await Store.RevokeAsync("a", Noon.AddHours(2), Token));
        Assert.False(await Store.RevokeAsync("b", Noon, Token));

        Assert.Equal(Noon.AddHours(1), (await Store.FindAsync("a", Token))!.Key.RevokedAt);
        Assert.True(await Store.AnyAsync(Token));
    }

    [Fact]
    public async Task The_last_use_only_moves_forward()
    {
        await Store.AddAsync(new StoredApiKey(new ApiKey("a", "first", Role.Read, null, Noon), s_hash), Token);

        await Store.TouchAsync("a", Noon.AddHours(2), Token);
        await Store.TouchAsync("a", Noon.AddHours(1), Token);
        await Store.TouchAsync("unknown", Noon, Token);

        Assert.Equal(Noon.AddHours(2), Assert.Single(await Store.ListAsync(Token)).LastUsedAt);
    }
}
