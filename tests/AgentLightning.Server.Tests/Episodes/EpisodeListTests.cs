using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

public sealed partial class EpisodeListTests(TrainedStore store)
{
    [Theory]
    [InlineData("/api/lightning/episodes", "episodes", "id")]
    [InlineData("/api/lightning/rewards", "rewards", "id")]
    [InlineData("/api/lightning/feedback", "feedback", "feedback_id")]
    public async Task The_link_to_the_next_page_is_right_also_when_what_the_page_ended_with_is_deleted(string path, string list, string id)
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        for (var i = 0; i < 7; i++)
        {
            var episode = $"01890a5d-ac96-774b-bcce-b302099a800{i}";
            await server.PostAsync(
                "/api/lightning/episodes",
                new
                {
                    id = episode,
                    agent_id = "a",
                    user_input = "x",
                }
            );
            if (list == "feedback")
            {
                await server.PostAsync(
                    "/api/v1/chat/feedback",
                    new
                    {
                        message_id = episode,
                        feedback_type = "copy",
                        feedback_id = $"f{i}",
                    }
                );
            }
            else
            {
                await server.RewardAsync(episode, 1, $"r{i}");
            }
        }

        using var first = await server.Http.GetAsync($"{path}?limit=3&agent_id=a");
        var link = Assert.Single(first.Headers.GetValues("Link"));
        await server.Http.DeleteAsync("/api/lightning/episodes/01890a5d-ac96-774b-bcce-b302099a8004");
        using var second = await server.Http.GetAsync(link[1..link.IndexOf('>', StringComparison.Ordinal)]);
        var last = second.Headers.GetValues("Link").Single();
        using var third = await server.Http.GetAsync(last[1..last.IndexOf('>', StringComparison.Ordinal)]);

        Assert.EndsWith(">; rel=\"next\"", link, StringComparison.Ordinal);
        Assert.Equal(["6", "5", "4"], await EndsAsync(first));
        Assert.Equal(["3", "2", "1"], await EndsAsync(second));
        Assert.Equal(["0"], await EndsAsync(third));
        Assert.False(third.Headers.Contains("Link"));

        async Task<List<string>> EndsAsync(HttpResponseMessage page)
        {
            using var answer = JsonDocument.Parse(await page.Content.ReadAsStringAsync());
            return [.. answer.RootElement.GetProperty(list).EnumerateArray().Select(item => item.GetProperty(id).GetString()![^1..])];
        }
    }

    [Fact]
    public async Task Pages_give_every_episode_once_newest_first_while_new_ones_arrive()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));

        var seen = new List<string>();
        var path = "/api/lightning/episodes?agent_id=triage&limit=100";
        for (var page = await PageAsync(path); page.Count > 0; page = await PageAsync($"{path}&before={seen[^1]}"))
        {
            Assert.InRange(page.Count, 1, 100);
            Assert.Equal(page.Select(e => e.At).OrderDescending(), page.Select(e => e.At));
            seen.AddRange(page.Select(e => e.Id));
            await server.TriageAsync("arrives while somebody turns pages");
        }

        Assert.Equal(store.Episodes, seen.Count);
        Assert.Equal(seen.Count, seen.Distinct().Count());

        async Task<List<(string Id, DateTimeOffset At)>> PageAsync(string address)
        {
            var list = await server.GetAsync(address);
            var episodes = list.GetProperty("episodes")
                .EnumerateArray()
                .Select(e => (e.GetProperty("id").GetString()!, e.GetProperty("created_at").GetDateTimeOffset()))
                .ToList();
            Assert.Equal(episodes.Count, list.GetProperty("episodes_found").GetInt32());
            return episodes;
        }
    }

    [Fact]
    public async Task A_plain_day_counts_whole_at_both_ends_and_a_time_without_a_zone_is_utc()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        foreach (var time in new[] { "2026-03-07T23:59:59", "2026-03-08T00:00:00", "2026-03-08T23:59:59.5Z", "2026-03-09" })
        {
            using var made = await server.PostRawAsync(
                "/api/lightning/episodes",
                $$"""
                {"id":"{{time.Replace(':', '-')}}","agent_id":"a","user_input":"x","assistant_output":"y","created_at":"{{time}}"}
                """
            );
            Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        }

        Assert.Equal(["2026-03-08T23-59-59.5Z", "2026-03-08T00-00-00"], await IdsAsync("start_date=2026-03-08&end_date=2026-03-08"));
        Assert.Equal(["2026-03-08T00-00-00"], await IdsAsync("start_date=2026-03-08&end_date=2026-03-08T12:00:00"));
        Assert.Equal(["2026-03-09"], await IdsAsync("start_date=2026-03-09T01:00:00%2B01:00"));
        using var monthFirst = await server.Http.GetAsync("/api/lightning/episodes?start_date=08/03/2026");
        Assert.Contains(
            "start_date must be a time in ISO 8601",
            await ServerUnderTest.ProblemAsync(HttpStatusCode.BadRequest, monthFirst),
            StringComparison.Ordinal
        );

        async Task<List<string>> IdsAsync(string filter) =>
            [
                .. (await server.GetAsync($"/api/lightning/episodes?{filter}"))
                    .GetProperty("episodes")
                    .EnumerateArray()
                    .Select(e => e.GetProperty("id").GetString()!),
            ];
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("1001")]
    public async Task A_limit_out_of_range_is_refused_with_the_range(string limit)
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        foreach (var route in new[] { "episodes", "deployments" })
        {
            using var response = await server.Http.GetAsync($"/api/lightning/{route}?limit={limit}");
            Assert.Contains(
                "limit must be from 1 to 1000",
                await ServerUnderTest.ProblemAsync(HttpStatusCode.BadRequest, response),
                StringComparison.Ordinal
            );
        }
    }

    [Theory]
    [InlineData("limit=many", "limit")]
    [InlineData("limit=99999999999", "limit")]
    [InlineData("limit=1.5", "limit")]
    [InlineData("start_date=yesterday", "start_date")]
    [InlineData("end_date=2026-13-01", "end_date")]
    public async Task A_query_value_of_the_wrong_kind_is_refused_with_the_name_that_the_caller_used(string query, string named)
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        using var response = await server.Http.GetAsync($"/api/lightning/episodes?{query}");

        Assert.Contains(named, await ServerUnderTest.ProblemAsync(HttpStatusCode.BadRequest, response), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_page_after_an_unknown_episode_is_not_found()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        using var response = await server.Http.GetAsync("/api/lightning/episodes?before=nobody");

        Assert.Contains("'before'", await ServerUnderTest.ProblemAsync(HttpStatusCode.NotFound, response), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lists_hold_only_the_agent_that_was_asked_for_and_the_time_that_was_asked_for()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await server.TriageAsync("one", "a-1", "a");
        await server.TriageAsync("two", "b-1", "b");

        Assert.Equal(["a-1"], await IdsAsync("agent_id=a"));
        Assert.Equal(["b-1", "a-1"], await IdsAsync(""));
        Assert.Empty(await IdsAsync("agent_id=c"));
        Assert.Empty(await IdsAsync("end_date=2020-01-01T00:00:00Z"));
        Assert.Equal(["b-1", "a-1"], await IdsAsync("start_date=2020-01-01T00:00:00Z"));

        async Task<IEnumerable<string?>> IdsAsync(string query) =>
            (await server.GetAsync($"/api/lightning/episodes?{query}"))
                .GetProperty("episodes")
                .EnumerateArray()
                .Select(e => e.GetProperty("id").GetString());
    }

    [Fact]
    public async Task Lists_cut_long_texts_to_200_characters()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await server.TriageAsync(new string('x', 1_000));

        var episode = (await server.GetAsync("/api/lightning/episodes")).GetProperty("episodes")[0];

        Assert.Equal(203, episode.GetProperty("user_input").GetString()!.Length);
        Assert.EndsWith("...", episode.GetProperty("user_input").GetString()!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_answer_speaks_snake_case_and_utc()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));
        var answers = new List<JsonElement>
        {
            await server.TriageAsync("x", "one"),
            await server.RewardAsync("one", 1, source: "test_result"),
            await server.PostAsync("/api/lightning/deployments", new { run_id = store.GoodRun }),
            await server.PostAsync("/api/lightning/deployments", new { run_id = store.BadRun, force = true }),
            await server.PostAsync("/api/lightning/deployments/rollback", new { reason = "r" }),
        };
        foreach (var path in new[] { "episodes", "episodes/one", "deployments", "deployments/active", "deployments/lineage", "stats" })
        {
            answers.Add(await server.GetAsync($"/api/lightning/{path}"));
        }

        Assert.All(answers, Check);

        static void Check(JsonElement element)
        {
            switch (element.ValueKind)
            {
                case JsonValueKind.Object:
                    foreach (var property in element.EnumerateObject())
                    {
                        Assert.Matches(SnakeCase(), property.Name);
                        Assert.True(
                            !property.Name.EndsWith("_at", StringComparison.Ordinal) || property.Value.GetString() is null or [.., 'Z'],
                            property.ToString()
                        );
                        Check(property.Value);
                    }

                    break;
                case JsonValueKind.Array:
                    Assert.All(element.EnumerateArray(), Check);
                    break;
            }
        }
    }

    [GeneratedRegex("^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
    private static partial Regex SnakeCase();
}
