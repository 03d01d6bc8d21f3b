using System.Net;
using System.Text.Json;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

public sealed class RewardTests
{
    [Fact]
    public async Task What_is_made_is_answered_with_201_and_what_was_there_with_200()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        foreach (
            var (path, body, again) in new[]
            {
                ("/api/lightning/episodes", """{"id":"e1","agent_id":"a","user_input":"x"}""", HttpStatusCode.OK),
                ("/api/lightning/rewards", """{"reward_id":"r1","episode_id":"e1","reward":1}""", HttpStatusCode.OK),
                ("/api/lightning/rewards/implicit", """{"episode_id":"e1"}""", HttpStatusCode.Created),
            }
        )
        {
            using var first = await server.PostRawAsync(path, body);
            using var second = await server.PostRawAsync(path, body);

            Assert.Equal((HttpStatusCode.Created, again), (first.StatusCode, second.StatusCode));
            Assert.NotNull(first.Headers.Location);
        }
    }

    [Fact]
    public async Task A_reward_is_stored_as_human_approval_with_its_comment()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await server.TriageAsync("x", "one");

        var reward = await server.PostAsync(
            "/api/lightning/rewards",
            new
            {
                episode_id = "one",
                reward = 0.8,
                feedback = "well done",
                correction = "noise",
            }
        );

        Assert.Equal(
            ["reward_id", "episode_id", "value", "source", "created_at"],
            reward.EnumerateObject().Select(property => property.Name)
        );
        Assert.Equal("one", reward.GetProperty("episode_id").GetString());
        Assert.Equal(0.8, reward.GetProperty("value").GetDouble());
        Assert.Equal("human_approval", reward.GetProperty("source").GetString());
        var stored = Assert.Single(await HistoryAsync(server, "one"));
        Assert.Equal(reward.GetProperty("reward_id").GetString(), stored.GetProperty("id").GetString());
        Assert.Equal("well done", stored.GetProperty("comments").GetString());
        Assert.Equal("noise", stored.GetProperty("correction").GetString());
    }

    [Fact]
    public async Task A_second_reward_of_the_same_source_supersedes_the_first_and_the_history_keeps_both()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await server.TriageAsync("x", "one");

        await server.RewardAsync("one", -1, "r1");
        await server.RewardAsync("one", 1, "r2");
        await server.RewardAsync("one", 0.25, "r3", "test_result");

        var history = await HistoryAsync(server, "one");
        Assert.Equal(
            [("r1", -1.0, false), ("r2", 1.0, true), ("r3", 0.25, true)],
            history
                .Select(r =>
                    (r.GetProperty("id").GetString()!, r.GetProperty("value").GetDouble(), r.GetProperty("is_current").GetBoolean())
                )
                .Order()
        );
        var statistics = (await server.GetAsync("/api/lightning/stats")).GetProperty("statistics");
        Assert.Equal(2, statistics.GetProperty("total_rewards").GetInt64());
        Assert.Equal(0.625, statistics.GetProperty("average_reward").GetDouble());
    }

    [Fact]
    public async Task The_same_reward_id_twice_is_one_reward_and_both_answers_tell_what_is_stored()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await server.TriageAsync("x", "one");

        var first = await server.RewardAsync("one", 0.5, "mine");
        var second = await server.RewardAsync("one", 0.5, "mine");

        Assert.Single(await HistoryAsync(server, "one"));
        Assert.Equal(first.GetProperty("value").GetDouble(), second.GetProperty("value").GetDouble());
        Assert.Equal(first.GetProperty("created_at").GetDateTimeOffset(), second.GetProperty("created_at").GetDateTimeOffset());
    }

    [Fact]
    public async Task A_reward_id_that_is_taken_by_another_value_is_not_answered_as_if_it_had_been_stored()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await server.TriageAsync("x", "one");
        await server.RewardAsync("one", 0.5, "mine");

        using var response = await server.PostRawAsync("/api/lightning/rewards", """{"episode_id":"one","reward":-1,"reward_id":"mine"}""");

        var stored = Assert.Single(await HistoryAsync(server, "one")).GetProperty("value").GetDouble();
        Assert.Equal(0.5, stored);
        if (response.StatusCode != HttpStatusCode.Conflict)
        {
            using var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
            Assert.Equal(stored, answer.RootElement.GetProperty("value").GetDouble());
        }
    }

    [Fact]
    public async Task A_reward_for_an_unknown_episode_is_not_found_and_not_stored()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        var detail = await server.RefusedAsync(
            HttpStatusCode.NotFound,
            "/api/lightning/rewards",
            new { episode_id = "nobody", reward = 1 }
        );

        Assert.Contains("Episode nobody not found", detail, StringComparison.Ordinal);
        Assert.Equal(0, (await server.GetAsync("/api/lightning/stats")).GetProperty("statistics").GetProperty("total_rewards").GetInt64());
    }

    private static async Task<List<JsonElement>> HistoryAsync(ServerUnderTest server, string episode) =>
        [.. (await server.GetAsync($"/api/lightning/episodes/{episode}")).GetProperty("rewards").EnumerateArray()];
}
