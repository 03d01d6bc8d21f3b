using System.Net;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

public sealed class RewardValidationTests
{
    [Theory]
    [InlineData("""{"episode_id":"one","reward":NaN}""", "reward")]
    [InlineData("""{"episode_id":"one","reward":"NaN"}""", "reward")]
    [InlineData("""{"episode_id":"one","reward":Infinity}""", "reward")]
    [InlineData("""{"episode_id":"one","reward":1e999}""", "from -1 to 1")]
    [InlineData("""{"episode_id":"one","reward":-1e999}""", "from -1 to 1")]
    [InlineData("""{"episode_id":"one","reward":1.0000001}""", "from -1 to 1")]
    [InlineData("""{"episode_id":"one","reward":-2}""", "from -1 to 1")]
    [InlineData("""{"episode_id":"one","reward":"good"}""", "reward")]
    [InlineData("""{"episode_id":"one","reward":true}""", "reward")]
    [InlineData("""{"episode_id":"one","reward":[1]}""", "reward")]
    [InlineData("""{"episode_id":"one","reward":{}}""", "reward")]
    [InlineData("""{"episode_id":"one","reward":null}""", "reward")]
    [InlineData("""{"episode_id":"one"}""", "reward")]
    [InlineData("""{"reward":1}""", "episode_id")]
    [InlineData("""{"episode_id":null,"reward":1}""", "episode_id")]
    [InlineData("""{"episode_id":"","reward":1}""", "episode_id")]
    [InlineData("""{"episode_id":7,"reward":1}""", "episode_id")]
    [InlineData("""{"episode_id":"one","reward":1,"source":"gut_feeling"}""", "human_approval")]
    [InlineData("""{"episode_id":"one","reward":1,"source":"HumanApproval"}""", "human_approval")]
    [InlineData("""{"episode_id":"one","reward":1,"reward_id":"a b"}""", "reward_id")]
    [InlineData("""{"episode_id":"one","reward":1""", "JSON")]
    [InlineData("""{'episode_id':'one','reward':1}""", "JSON")]
    [InlineData("[]", "JSON")]
    [InlineData("7", "JSON")]
    public async Task A_reward_that_cannot_be_right_is_refused_with_the_range_or_the_field_and_nothing_is_stored(string body, string named)
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await server.TriageAsync("x", "one");
        await server.RewardAsync("one", 0.5);
        var before = (await server.GetAsync("/api/lightning/stats")).GetRawText();

        var detail = await server.RefusedAsync(HttpStatusCode.BadRequest, "/api/lightning/rewards", body);

        Assert.Contains(named, detail, StringComparison.Ordinal);
        Assert.Equal(before, (await server.GetAsync("/api/lightning/stats")).GetRawText());
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    public async Task A_missing_body_is_refused_in_words_for_the_caller(string body)
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        foreach (var path in new[] { "triage", "rewards", "deployments" })
        {
            var detail = await server.RefusedAsync(HttpStatusCode.BadRequest, $"/api/lightning/{path}", body);
            Assert.Contains("body", detail, StringComparison.Ordinal);
            Assert.DoesNotContain("Service", detail, StringComparison.Ordinal);
            Assert.DoesNotContain("parameter", detail, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public async Task A_body_that_is_not_called_json_is_refused()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        using var response = await server.PostRawAsync("/api/lightning/rewards", """{"episode_id":"one","reward":1}""", "text/plain");

        await ServerUnderTest.ProblemAsync(HttpStatusCode.UnsupportedMediaType, response);
    }

    [Fact]
    public async Task A_body_nested_without_end_is_refused()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        var nested = string.Concat(Enumerable.Repeat("""{"correction":""", 100_000));

        Assert.Contains(
            "JSON",
            await server.RefusedAsync(HttpStatusCode.BadRequest, "/api/lightning/rewards", nested),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_body_over_the_limit_is_refused()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/lightning/triage")
        {
            Content = new ByteArrayContent(new byte[(8 * 1024 * 1024) + 1]),
        };
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.ExpectContinue = true;
        using var patient = new HttpClient(new SocketsHttpHandler { Expect100ContinueTimeout = TimeSpan.FromMinutes(1) })
        {
            BaseAddress = server.Http.BaseAddress,
        };

        using var response = await patient.SendAsync(request);

        await ServerUnderTest.ProblemAsync(HttpStatusCode.RequestEntityTooLarge, response);
    }
}
