using System.Net;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

public sealed class DeletionTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_deleted_episode_is_gone_with_its_rewards_and_from_the_figures()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await server.TriageAsync("The docs link is broken.", "gone", "mine");
        await server.TriageAsync("Thank you.", "stays", "mine");
        await server.RewardAsync("gone", -1);
        await server.RewardAsync("stays", 0.5);

        using var deleted = await server.Http.DeleteAsync("/api/lightning/episodes/gone", Token);
        Assert.Equal("""{"removed":1,"scope":"episode"}""", await deleted.Content.ReadAsStringAsync(Token));

        using var again = await server.Http.DeleteAsync("/api/lightning/episodes/gone", Token);
        Assert.Equal("Episode gone not found", await ServerUnderTest.ProblemAsync(HttpStatusCode.NotFound, again));
        var figures = (await server.GetAsync("/api/lightning/stats?agent_id=mine")).GetProperty("statistics");
        Assert.Equal(
            (1, 1, 0.5),
            (
                figures.GetProperty("total_episodes").GetInt32(),
                figures.GetProperty("total_rewards").GetInt32(),
                figures.GetProperty("average_reward").GetDouble()
            )
        );
    }

    [Fact]
    public async Task What_to_delete_must_be_named_and_the_scope_known()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        using var everything = await server.Http.DeleteAsync("/api/lightning/episodes", Token);
        Assert.Equal(
            "What to delete must be named: ids, a session, a user, an agent or an age.",
            await ServerUnderTest.ProblemAsync(HttpStatusCode.BadRequest, everything)
        );
        using var unknown = await server.Http.DeleteAsync("/api/lightning/episodes?session_id=s&scope=half", Token);
        Assert.Equal(
            "scope must be one of episode, payload, but it is 'half'.",
            await ServerUnderTest.ProblemAsync(HttpStatusCode.BadRequest, unknown)
        );
    }

    [Fact]
    public async Task The_payloads_of_an_agent_go_and_its_facts_stay()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await server.TriageAsync("The docs link is broken.", "e1", "mine");

        using var response = await server.Http.DeleteAsync("/api/lightning/episodes?agent_id=mine&scope=payload", Token);
        Assert.Equal("""{"removed":1,"scope":"payload"}""", await response.Content.ReadAsStringAsync(Token));

        var episode = await server.GetAsync("/api/lightning/episodes/e1");
        Assert.True(episode.GetProperty("payload_removed").GetBoolean());
        Assert.Equal("", episode.GetProperty("user_input").GetString());
    }

    [Fact]
    public async Task Everything_of_one_agent_is_cleared_when_the_agent_is_named_and_the_audit_log_tells()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await server.TriageAsync("The docs link is broken.", "e1", "mine");
        await server.TriageAsync("Thank you.", "e2", "mine");
        await server.TriageAsync("Thank you.", "e3", "other");
        const string Clear = "/api/v1/admin/agent-lightning/clear";

        using var unnamed = await server.Http.PostAsync(Clear, null, Token);
        Assert.Equal(
            "agent_name is required: it names the agent whose interactions are all deleted.",
            await ServerUnderTest.ProblemAsync(HttpStatusCode.BadRequest, unnamed)
        );
        using var cleared = await server.Http.PostAsync($"{Clear}?agent_name=mine", null, Token);
        Assert.Equal("""{"agent_name":"mine","deleted":2}""", await cleared.Content.ReadAsStringAsync(Token));

        var left = Assert.Single((await server.GetAsync("/api/lightning/episodes")).GetProperty("episodes").EnumerateArray());
        Assert.Equal("e3", left.GetProperty("id").GetString());
        var entry = Assert.Single(
            (await server.GetAsync("/api/lightning/audit?action=deleted&agent_id=mine")).GetProperty("entries").EnumerateArray()
        );
        Assert.Equal(
            ("api", "2"),
            (entry.GetProperty("actor").GetString(), entry.GetProperty("detail").GetProperty("removed").GetString())
        );
        Assert.Empty((await server.GetAsync("/api/lightning/audit?agent_id=other")).GetProperty("entries").EnumerateArray());
    }
}
