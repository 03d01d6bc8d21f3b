using System.Net;
using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

public sealed class StatsTests(TrainedStore store)
{
    [Fact]
    public async Task Stats_count_everything_in_the_store_and_average_the_rewards()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));
        await server.TriageAsync("another agent's", "other-1", "other");
        await server.RewardAsync("other-1", 1);
        double sum = 0;
        string? before = null;
        for (var seen = 0L; seen < store.Episodes; )
        {
            var page = (
                await server.GetAsync($"/api/lightning/episodes?agent_id=triage&limit=1000{(before is null ? "" : $"&before={before}")}")
            ).GetProperty("episodes");
            foreach (var id in page.EnumerateArray().Select(episode => episode.GetProperty("id").GetString()!))
            {
                sum += (await server.GetAsync($"/api/lightning/episodes/{id}")).GetProperty("rewards")[0].GetProperty("value").GetDouble();
                (before, seen) = (id, seen + 1);
            }
        }

        await server.PostAsync("/api/lightning/deployments", new { run_id = store.GoodRun });
        var stats = await server.GetAsync("/api/lightning/stats");

        Assert.Equal(
            ["agent_id", "lightning_enabled", "use_tuned_model", "statistics", "active_deployment", "current_model", "base_model"],
            stats.EnumerateObject().Select(property => property.Name)
        );
        Assert.Equal("triage", stats.GetProperty("agent_id").GetString());
        var statistics = stats.GetProperty("statistics");
        Assert.Equal(store.Episodes, statistics.GetProperty("total_episodes").GetInt64());
        Assert.Equal(store.Episodes, statistics.GetProperty("total_rewards").GetInt64());
        Assert.Equal(sum / store.Episodes, statistics.GetProperty("average_reward").GetDouble(), 0.00051);
        Assert.Equal(1, statistics.GetProperty("total_datasets").GetInt64());
        Assert.Equal(4, statistics.GetProperty("total_training_runs").GetInt64());
        Assert.Equal("""{"succeeded":4}""", JsonSerializer.Serialize(statistics.GetProperty("training_run_status")));
        Assert.Equal(1, statistics.GetProperty("total_deployments").GetInt64());
        Assert.True(stats.GetProperty("active_deployment").GetProperty("has_active").GetBoolean());
        Assert.Equal(
            stats.GetProperty("current_model").GetString(),
            stats.GetProperty("active_deployment").GetProperty("model_name").GetString()
        );
        Assert.Equal("triage-rules", stats.GetProperty("base_model").GetString());
    }

    [Fact]
    public async Task Stats_of_the_default_agent_are_zero_before_its_first_episode_and_name_the_base_model()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        var stats = await server.GetAsync("/api/lightning/stats");

        var statistics = stats.GetProperty("statistics");
        Assert.Equal("triage", stats.GetProperty("agent_id").GetString());
        foreach (
            var name in new[]
            {
                "total_episodes",
                "total_rewards",
                "average_reward",
                "total_datasets",
                "total_training_runs",
                "total_deployments",
            }
        )
        {
            Assert.Equal(0, statistics.GetProperty(name).GetDouble());
        }

        Assert.Equal(JsonValueKind.Null, stats.GetProperty("active_deployment").ValueKind);
        Assert.Equal("triage-rules", stats.GetProperty("current_model").GetString());
    }

    [Theory]
    [InlineData("router", "There is no agent 'router'. There are billing, shop-assistant.")]
    [InlineData("shop-asistant", "There is no agent 'shop-asistant'. Did you mean shop-assistant?")]
    [InlineData("SHOP-ASSISTANT", "There is no agent 'SHOP-ASSISTANT'. Did you mean shop-assistant?")]
    [InlineData("bill", "There is no agent 'bill'. Did you mean billing?")]
    public async Task An_agent_that_there_is_not_is_said_to_be_unknown_with_names_that_are_near(string agent, string detail)
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        foreach (var known in new[] { "shop-assistant", "billing" })
        {
            await server.PostAsync("/api/lightning/episodes", new { agent_id = known, user_input = "x" });
        }

        foreach (
            var path in new[]
            {
                "stats",
                "monitoring/rewards",
                "monitoring/submission-rate",
                "monitoring/distribution",
                "monitoring/low-rewards",
            }
        )
        {
            using var response = await server.Http.GetAsync($"/api/lightning/{path}?agent_id={agent}");

            Assert.Equal(detail, await ServerUnderTest.ProblemAsync(HttpStatusCode.NotFound, response));
        }
    }

    [Fact]
    public async Task Names_that_are_near_are_those_of_the_agents_of_the_key()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await server.PostAsync("/api/lightning/episodes", new { agent_id = "shop-secret", user_input = "x" });
        using var client = await server.ClientAsync(Role.Read, "shop");

        using var own = await client.GetAsync("/api/lightning/stats?agent_id=shop");
        using var other = await client.GetAsync("/api/lightning/stats?agent_id=shop-secre");

        Assert.Equal(HttpStatusCode.OK, own.StatusCode);
        Assert.DoesNotContain("shop-secret", await ServerUnderTest.ProblemAsync(HttpStatusCode.Forbidden, other), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_base_model_of_an_agent_is_what_answers_it_and_not_that_of_another()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await server.PostAsync("/api/lightning/episodes", new { agent_id = "shop", user_input = "x" });
        Assert.Equal(JsonValueKind.Null, (await server.GetAsync("/api/lightning/stats?agent_id=shop")).GetProperty("base_model").ValueKind);

        await server.PostAsync(
            "/api/lightning/episodes",
            new
            {
                agent_id = "shop",
                user_input = "x",
                model_deployment = "gpt-4o-mini",
            }
        );

        var stats = await server.GetAsync("/api/lightning/stats?agent_id=shop");
        Assert.Equal(
            ("gpt-4o-mini", "gpt-4o-mini"),
            (stats.GetProperty("base_model").GetString(), stats.GetProperty("current_model").GetString())
        );
    }
}
