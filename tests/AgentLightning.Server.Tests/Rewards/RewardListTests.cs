using System.Net;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

public sealed class RewardListTests
{
    [Fact]
    public async Task Rewards_are_listed_newest_first_by_agent_episode_and_source_page_by_page()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await server.TriageAsync("x", "one");
        await server.TriageAsync("x", "two", "other");
        for (var i = 0; i < 6; i++)
        {
            await server.RewardAsync(i % 2 == 0 ? "one" : "two", i / 10.0, $"r{i}", i % 3 == 0 ? "test_result" : "human_approval");
        }

        var first = await server.GetAsync("/api/lightning/rewards?limit=4");
        Assert.Equal(["agent_id", "episode_filter", "rewards_found", "rewards"], first.EnumerateObject().Select(property => property.Name));
        Assert.Equal(["r5", "r4", "r3", "r2"], await IdsAsync("?limit=4"));
        Assert.Equal(["r1", "r0"], await IdsAsync("?limit=4&before=r2"));
        Assert.Equal(["r5", "r3", "r1"], await IdsAsync("?agent_id=other"));
        Assert.Equal(["r4", "r2", "r0"], await IdsAsync("?episode_id=one"));
        Assert.Equal(["r3", "r0"], await IdsAsync("?source=test_result"));
        Assert.Equal(["r3"], await IdsAsync("?source=test_result&agent_id=other"));

        async Task<IEnumerable<string>> IdsAsync(string query) =>
            (await server.GetAsync($"/api/lightning/rewards{query}"))
                .GetProperty("rewards")
                .EnumerateArray()
                .Select(reward => reward.GetProperty("id").GetString()!);
    }

    [Theory]
    [InlineData("limit=0", 400, "limit must be from 1 to 1000, but it is 0")]
    [InlineData("limit=1001", 400, "limit must be from 1 to 1000")]
    [InlineData("source=gut_feeling", 400, "implicit_signals")]
    [InlineData("before=nobody", 404, "Reward nobody, named by 'before', not found")]
    public async Task A_list_that_cannot_be_is_refused(string query, int status, string detail)
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        using var response = await server.Http.GetAsync($"/api/lightning/rewards?{query}");

        Assert.Contains(detail, await ServerUnderTest.ProblemAsync((HttpStatusCode)status, response), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.7, "0..1", 0.4)]
    [InlineData(3, "1..5", 0)]
    [InlineData(1, "1..5", -1)]
    [InlineData(7, "7..7", 0)]
    public async Task A_value_on_another_scale_is_normalised_and_kept_as_it_was_given(double raw, string scale, double value)
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await server.TriageAsync("x", "one");

        var given = await server.PostAsync(
            "/api/lightning/rewards",
            new
            {
                episode_id = "one",
                raw_value = raw,
                scale,
                source = "eval_score",
            }
        );

        Assert.Equal(value, given.GetProperty("value").GetDouble(), 12);
        var stored = (await server.GetAsync("/api/lightning/rewards")).GetProperty("rewards")[0];
        Assert.Equal((raw, scale), (stored.GetProperty("raw_value").GetDouble(), stored.GetProperty("scale").GetString()));
    }

    [Theory]
    [InlineData("""{"episode_id":"one","raw_value":6,"scale":"1..5"}""", "raw_value must be a number from 1 to 5, but it is 6")]
    [InlineData("""{"episode_id":"one","raw_value":1e999,"scale":"1..5"}""", "from 1 to 5")]
    [InlineData("""{"episode_id":"one","raw_value":3}""", "scale")]
    [InlineData("""{"episode_id":"one","raw_value":3,"scale":"5 stars"}""", "scale must be")]
    [InlineData("""{"episode_id":"one","raw_value":3,"scale":"5..1"}""", "from its least to its greatest")]
    [InlineData("""{"episode_id":"one","reward":1,"raw_value":3,"scale":"1..5"}""", "not both")]
    [InlineData("""{"episode_id":"one","scale":"1..5"}""", "reward are required")]
    public async Task A_value_that_is_not_on_its_scale_is_refused(string body, string detail)
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await server.TriageAsync("x", "one");

        Assert.Contains(
            detail,
            await server.RefusedAsync(HttpStatusCode.BadRequest, "/api/lightning/rewards", body),
            StringComparison.Ordinal
        );
        Assert.Equal(0, (await server.GetAsync("/api/lightning/rewards")).GetProperty("rewards_found").GetInt32());
    }
}
