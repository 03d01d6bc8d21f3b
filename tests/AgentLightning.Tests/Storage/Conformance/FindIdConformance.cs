using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Lookup;
using AgentLightning.Rewards;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class FindIdConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    private const string One = "019ad1f2-77aa-7c31-8000-1d2c5f0a9b01";
    private const string Two = "019ad1f2-77aa-7c31-8000-1d2c5f0a9b02";
    private const string Other = "019ad1f3-0000-7c31-8000-1d2c5f0a9b01";
    private static readonly Scope s_owner = Scope.Owner("test");

    [Theory]
    [InlineData(One, One)]
    [InlineData("019ad1f3", Other)]
    [InlineData("019ad1f2..9b02", Two)]
    [InlineData("0..c5f0a9b02", Two)]
    public async Task A_part_that_is_of_one_id_finds_it(string part, string id)
    {
        await AddAsync(One, Two, Other);

        Assert.Equal(id, await FindAsync(s_owner, RecordKind.Episode, part));
    }

    [Fact]
    public async Task A_part_of_several_ids_is_refused_with_five_of_them()
    {
        await AddAsync([.. Enumerable.Range(1, 7).Select(i => $"order-{i}")]);

        var many = await RefusedAsync(s_owner, RecordKind.Episode, "order-");
        Assert.Equal(ErrorKind.Invalid, many.Kind);
        Assert.Equal(
            "'order-' is a part of the id of more than one episode: order-1, order-2, order-3, order-4, order-5, and more. Give more of it.",
            many.Message
        );

        await AddAsync(One, Two);
        var two = await RefusedAsync(s_owner, RecordKind.Episode, "019ad1f2");
        Assert.EndsWith($"more than one episode: {One}, {Two}. Give more of it.", two.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_id_that_is_the_beginning_of_others_is_itself_and_so_is_one_with_points_in_it()
    {
        await AddAsync("order-1", "order-11", "order-12", "order-..2", "order-..22");

        Assert.Equal("order-1", await FindAsync(s_owner, RecordKind.Episode, "order-1"));
        Assert.Equal("order-..2", await FindAsync(s_owner, RecordKind.Episode, "order-..2"));
    }

    [Theory]
    [InlineData("order-2")]
    [InlineData("order-1..1")]
    [InlineData("ORDER-1")]
    [InlineData("order_1")]
    [InlineData("order%1")]
    [InlineData("..order-1")]
    public async Task What_is_no_part_of_an_id_is_not_found(string part)
    {
        await AddAsync("order-1");

        Assert.Equal(ErrorKind.NotFound, (await RefusedAsync(s_owner, RecordKind.Episode, part)).Kind);
    }

    [Fact]
    public async Task A_part_that_is_too_short_is_refused()
    {
        await AddAsync("order-1");

        Assert.Equal(ErrorKind.Invalid, (await RefusedAsync(s_owner, RecordKind.Episode, "order")).Kind);
    }

    [Fact]
    public async Task Ids_of_other_agents_are_not_there_and_make_nothing_ambiguous()
    {
        await Get<IEpisodeStore>().AddAsync([NewEpisode(One, "mine"), NewEpisode(Two, "theirs"), NewEpisode(Other, "theirs")], Token);
        await Get<IRewardStore>().AddAsync([NewReward("reward-of-theirs", Two, 1)], Token);
        var mine = new Scope("key 1", Role.Read, ["mine"]);

        Assert.Equal(One, await FindAsync(mine, RecordKind.Episode, "019ad1f2"));
        Assert.Equal(ErrorKind.NotFound, (await RefusedAsync(mine, RecordKind.Episode, "019ad1f3")).Kind);
        Assert.Equal(ErrorKind.NotFound, (await RefusedAsync(mine, RecordKind.Reward, "reward-of")).Kind);
        Assert.Equal("reward-of-theirs", await FindAsync(s_owner, RecordKind.Reward, "reward-of"));
    }

    [Fact]
    public async Task An_episode_that_lies_under_a_mark_of_its_agent_is_found_and_shown_without_it()
    {
        await Get<IEpisodeStore>().AddAsync([NewEpisode("order-17-of-may", "theirs")], Token);
        await Get<IEpisodeStore>().AddAsync([NewEpisode("order-17-of-may", "mine")], Token);
        var mine = new Scope("key 1", Role.Read, ["mine"]);

        Assert.Equal("order-17-of-may", await FindAsync(mine, RecordKind.Episode, "order-17"));
        Assert.Equal("order-17-of-may", await FindAsync(mine, RecordKind.Episode, "order..of-may"));
    }

    [Fact]
    public async Task Keys_and_the_audit_log_are_for_administrators_and_every_kind_is_there()
    {
        var reader = new Scope("key 1", Role.Read, null);
        var admin = new Scope("key 2", Role.Admin, ["mine"]);

        Assert.Equal(ErrorKind.Forbidden, (await RefusedAsync(reader, RecordKind.Key, "0123456789abcdef")).Kind);
        Assert.Equal(ErrorKind.Forbidden, (await RefusedAsync(reader, RecordKind.AuditEntry, "0123456789abcdef")).Kind);
        foreach (var kind in Enum.GetValues<RecordKind>())
        {
            Assert.Equal(ErrorKind.NotFound, (await RefusedAsync(s_owner, kind, "019ad1f2..9b02")).Kind);
            Assert.Equal(ErrorKind.NotFound, (await RefusedAsync(admin, kind, "019ad1f2..9b02")).Kind);
        }
    }

    private Task AddAsync(params string[] ids) => Get<IEpisodeStore>().AddAsync([.. ids.Select(id => NewEpisode(id))], Token);

    private Task<string> FindAsync(Scope scope, RecordKind kind, string part) => Get<FindId>().ExecuteAsync(scope, kind, part, Token);

    private Task<LightningException> RefusedAsync(Scope scope, RecordKind kind, string part) =>
        Assert.ThrowsAsync<LightningException>(() => FindAsync(scope, kind, part));
}
