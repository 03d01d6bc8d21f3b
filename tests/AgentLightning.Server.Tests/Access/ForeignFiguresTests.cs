using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

/// <summary>Figures are of the agents of the key, however an agent is named.</summary>
public sealed class ForeignFiguresTests
{
    private const string Message = "01890a5d-ac96-774b-bcce-b302099a8057";

    private static readonly (string Path, string Parameter)[] s_figures =
    [
        ("/api/lightning/stats", "agent_id"),
        ("/api/lightning/monitoring/rewards", "agent_id"),
        ("/api/lightning/monitoring/submission-rate", "agent_id"),
        ("/api/lightning/monitoring/distribution", "agent_id"),
        ("/api/lightning/monitoring/low-rewards", "agent_id"),
        ("/api/v1/admin/agent-lightning/stats", "agent_name"),
        ("/api/v1/admin/agent-lightning/feedback/stats", "agent_name"),
        ("/api/v1/admin/agent-lightning/feedback/recent", "agent_name"),
        ("/api/v1/admin/agent-lightning/dashboard", "agent_name"),
    ];

    private static readonly (string Path, string Parameter)[] s_lists =
    [
        ("/api/lightning/episodes", "agent_id"),
        ("/api/lightning/rewards", "agent_id"),
        ("/api/lightning/feedback", "agent_id"),
        ("/api/lightning/export", "agent_id"),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Figures_and_lists_of_another_agent_are_refused_by_every_name_of_the_parameter()
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder);
        using var client = await server.ClientAsync(Role.Admin, "blue");

        foreach (var (path, parameter) in s_figures.Concat(s_lists))
        {
            using var named = await client.GetAsync($"{path}?{parameter}=red", Token);

            Assert.True(named.StatusCode == HttpStatusCode.Forbidden, $"{path}: {(int)named.StatusCode}");
            Assert.DoesNotContain(":77", await named.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
        }

        using var cleared = await client.PostAsync("/api/v1/admin/agent-lightning/clear?agent_name=red", null, Token);
        Assert.Equal(HttpStatusCode.Forbidden, cleared.StatusCode);
        using var owner = await server.ClientAsync(Role.Read);
        using var left = JsonDocument.Parse(await owner.GetStringAsync("/api/v1/admin/agent-lightning/stats?agent_name=red", Token));
        Assert.Equal(77, left.RootElement.GetProperty("total_interactions").GetInt32());
    }

    [Fact]
    public async Task Figures_without_a_name_are_those_of_the_one_agent_of_the_key_and_change_with_nothing_that_another_does()
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder);
        using var blue = await server.ClientAsync(Role.Read, "blue");
        var before = await AllAsync(blue, "");
        Assert.Equal(before, await AllAsync(blue, "blue"));

        using var owner = await server.ClientAsync(Role.Write);
        await PlantAsync(owner, "red", 5);

        Assert.Equal(before, await AllAsync(blue, ""));
        using var figures = JsonDocument.Parse(await blue.GetStringAsync("/api/v1/admin/agent-lightning/stats", Token));
        Assert.Equal(3, figures.RootElement.GetProperty("total_interactions").GetInt32());
    }

    [Fact]
    public async Task Who_is_for_several_agents_must_name_one_for_figures()
    {
        using var folder = new TemporaryFolder();
        await using var server = await StartAsync(folder);
        using var client = await server.ClientAsync(Role.Read, "blue", "green");

        foreach (var (path, parameter) in s_figures.Where(figures => !figures.Path.EndsWith("recent", StringComparison.Ordinal)))
        {
            using var unnamed = await client.GetAsync(path, Token);
            using var named = await client.GetAsync($"{path}?{parameter}=blue", Token);

            Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.OK), (unnamed.StatusCode, named.StatusCode));
        }
    }

    private static async Task<ServerUnderTest> StartAsync(TemporaryFolder folder)
    {
        var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await PlantAsync(server.Http, "red", 77);
        await PlantAsync(server.Http, "blue", 3);
        return server;
    }

    private static async Task PlantAsync(HttpClient client, string agent, int episodes)
    {
        var lines = new StringBuilder();
        for (var i = 0; i < episodes; i++)
        {
            var id = string.Create(CultureInfo.InvariantCulture, $"{agent}-{episodes}-{i}");
            lines
                .Append(
                    CultureInfo.InvariantCulture,
                    $$"""{"type":"episode","id":"{{id}}","agent_id":"{{agent}}","user_input":"x","intent":"{{agent}}","message_id":"{{Message}}"}"""
                )
                .Append('\n');
            lines.Append(CultureInfo.InvariantCulture, $$"""{"type":"reward","episode_id":"{{id}}","reward":0.5}""").Append('\n');
        }

        using var batch = new StringContent(lines.ToString(), Encoding.UTF8, "application/x-ndjson");
        using var response = await client.PostAsync("/api/lightning/capture", batch, Token);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using var thumb = new StringContent(
            $$"""{"message_id":"{{Message}}","agent_id":"{{agent}}","feedback_type":"thumbs_up"}""",
            Encoding.UTF8,
            "application/json"
        );
        using var given = await client.PostAsync("/api/v1/chat/feedback", thumb, Token);
        Assert.Equal(HttpStatusCode.OK, given.StatusCode);
    }

    private static async Task<string> AllAsync(HttpClient client, string agent)
    {
        var all = new StringBuilder();
        foreach (var (path, parameter) in s_figures)
        {
            using var answer = JsonDocument.Parse(
                await client.GetStringAsync(agent.Length == 0 ? path : $"{path}?{parameter}={agent}", Token)
            );
            foreach (var property in answer.RootElement.EnumerateObject().Where(one => one.Name is not ("timestamp" or "agent_id")))
            {
                all.Append(CultureInfo.InvariantCulture, $"{path} {property.Name} {property.Value.GetRawText()}\n");
            }
        }

        return all.ToString();
    }
}
