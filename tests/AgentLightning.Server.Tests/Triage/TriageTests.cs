using System.Net;
using System.Text.Json;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;
using AgentLightning.Triage;

namespace AgentLightning.Server.Tests;

public sealed class TriageTests
{
    private const string Comment = "The docs link on the \"start\" page returns 404 — für alle, 日本語, 🙂\nsecond line";

    [Fact]
    public async Task An_answer_is_a_whole_analysis_and_names_who_gave_it()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        var answer = await server.TriageAsync(Comment);

        Assert.Contains(answer.GetProperty("category").GetString(), FeedbackCategories.All);
        Assert.Contains(answer.GetProperty("severity").GetString(), new[] { "low", "medium", "high", "critical" });
        Assert.NotEqual("", answer.GetProperty("action").GetString());
        Assert.InRange(answer.GetProperty("priority").GetInt32(), 1, 10);
        Assert.InRange(answer.GetProperty("confidence").GetDouble(), 0, 1);
        Assert.NotEqual("", answer.GetProperty("reasoning").GetString());
        Assert.NotEqual("", answer.GetProperty("episode_id").GetString());
        Assert.Equal("triage-rules", answer.GetProperty("model").GetString());
        Assert.Equal(JsonValueKind.Null, answer.GetProperty("deployment_id").ValueKind);
    }

    [Fact]
    public async Task The_episode_of_an_answer_holds_the_exact_input_the_answer_and_the_true_latency()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        var answer = await server.PostAsync(
            "/api/lightning/triage",
            new
            {
                comment = Comment,
                title = " A title ",
                type = "bug",
                rating = 2,
                page = "/docs/start",
                feedback_id = "f-1",
                agent_id = "shop",
                session_id = "s-9",
            }
        );

        var episode = await server.GetAsync($"/api/lightning/episodes/{answer.GetProperty("episode_id").GetString()}");

        using var input = JsonDocument.Parse(episode.GetProperty("user_input").GetString()!);
        Assert.Equal(Comment, input.RootElement.GetProperty("comment").GetString());
        Assert.Equal(" A title ", input.RootElement.GetProperty("title").GetString());
        Assert.Equal("bug", input.RootElement.GetProperty("type").GetString());
        Assert.Equal(2, input.RootElement.GetProperty("rating").GetInt32());
        Assert.Equal("/docs/start", input.RootElement.GetProperty("page").GetString());
        Assert.Equal("f-1", input.RootElement.GetProperty("feedback_id").GetString());
        using var output = JsonDocument.Parse(episode.GetProperty("assistant_output").GetString()!);
        Assert.Equal(answer.GetProperty("category").GetString(), output.RootElement.GetProperty("category").GetString());
        Assert.Equal("shop", episode.GetProperty("agent_id").GetString());
        Assert.Equal("s-9", episode.GetProperty("session_id").GetString());
        Assert.Equal("succeeded", episode.GetProperty("status").GetString());
        Assert.Equal("triage-rules", episode.GetProperty("model_deployment").GetString());
        Assert.True(episode.GetProperty("request_latency_ms").GetDouble() > 0);
        Assert.Empty(episode.GetProperty("rewards").EnumerateArray());
    }

    [Fact]
    public async Task Feedback_may_come_as_text_too()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        var given = await server.PostAsync("/api/lightning/triage", new { text = Comment });

        Assert.Equal((await server.TriageAsync(Comment)).GetProperty("action").GetString(), given.GetProperty("action").GetString());
    }

    [Fact]
    public async Task The_same_episode_id_twice_is_one_episode()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        await server.TriageAsync("first", "mine");
        await server.TriageAsync("second", "mine");

        var list = await server.GetAsync("/api/lightning/episodes");
        Assert.Equal(1, list.GetProperty("episodes_found").GetInt32());
        var episode = await server.GetAsync("/api/lightning/episodes/mine");
        Assert.Contains("first", episode.GetProperty("user_input").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_under_the_id_of_another_agents_episode_is_an_episode_of_its_own_and_no_reward_lands_on_the_other()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await server.TriageAsync("first", "mine", "shop");

        var given = (await server.TriageAsync("second", "mine", "other")).GetProperty("episode_id").GetString()!;
        await server.RewardAsync(given, 0.5);

        Assert.NotEqual("mine", given);
        var (first, second) = (
            await server.GetAsync("/api/lightning/episodes/mine"),
            await server.GetAsync($"/api/lightning/episodes/{given}")
        );
        Assert.Equal(("shop", 0), (first.GetProperty("agent_id").GetString(), first.GetProperty("rewards").GetArrayLength()));
        Assert.Equal(("other", 1), (second.GetProperty("agent_id").GetString(), second.GetProperty("rewards").GetArrayLength()));
    }

    [Theory]
    [InlineData("""{"comment":""}""", "comment")]
    [InlineData("""{"comment":"  \n "}""", "comment")]
    [InlineData("{}", "comment")]
    [InlineData("""{"comment":"x","rating":6}""", "from 1 to 5")]
    [InlineData("""{"comment":"x","rating":0}""", "from 1 to 5")]
    [InlineData("""{"comment":"x","rating":"many"}""", "rating")]
    [InlineData("""{"comment":7}""", "comment")]
    [InlineData("""{"comment":"x","episode_id":"a b"}""", "episode_id")]
    [InlineData("""{"comment":"x","agent_id":""}""", "agent_id")]
    [InlineData("""{"comment":"x","session_id":"a\u0000b"}""", "session_id must be at most 200 characters without control characters")]
    public async Task Feedback_that_cannot_be_right_is_refused_with_the_field_named_and_leaves_no_episode(string body, string named)
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        Assert.Contains(
            named,
            await server.RefusedAsync(HttpStatusCode.BadRequest, "/api/lightning/triage", body),
            StringComparison.Ordinal
        );

        Assert.Equal(0, (await server.GetAsync("/api/lightning/episodes")).GetProperty("episodes_found").GetInt32());
    }

    [Fact]
    public async Task An_unknown_episode_is_not_found()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        using var response = await server.Http.GetAsync("/api/lightning/episodes/nobody");

        Assert.Equal("Episode nobody not found", await ServerUnderTest.ProblemAsync(HttpStatusCode.NotFound, response));
    }
}
