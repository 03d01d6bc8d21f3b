using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;
using AgentLightning.Triage;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server.Tests;

public sealed class ShutdownTests(TrainedStore store)
{
    [Fact]
    public async Task Disposing_the_server_writes_every_episode_that_was_captured()
    {
        const int Episodes = 2_000;
        using var folder = new TemporaryFolder();
        var path = folder.File("lightning.db");
        await using (var server = await ServerUnderTest.StartAsync(path))
        {
            var agent = server.App.Services.GetRequiredService<TriageFeedback>();
            for (var i = 0; i < Episodes; i++)
            {
                await agent.ExecuteAsync(
                    Scope.Owner("test"),
                    new FeedbackTask($"text {i}"),
                    new TriageCall("triage", $"e-{i}"),
                    Random.Shared,
                    CancellationToken.None
                );
            }
        }

        await using var reopened = await ServerUnderTest.StartAsync(path);

        var stats = await reopened.GetAsync("/api/lightning/stats");
        Assert.Equal(Episodes, stats.GetProperty("statistics").GetProperty("total_episodes").GetInt64());
        Assert.Equal("e-1999", (await reopened.GetAsync("/api/lightning/episodes/e-1999")).GetProperty("id").GetString());
    }

    [Fact]
    public async Task An_answer_that_was_given_can_be_rewarded_after_a_restart()
    {
        using var folder = new TemporaryFolder();
        string id;
        await using (var server = await ServerUnderTest.StartAsync(folder.File("lightning.db")))
        {
            id = (await server.TriageAsync("x")).GetProperty("episode_id").GetString()!;
        }

        await using var reopened = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        Assert.Equal(id, (await reopened.RewardAsync(id, 1)).GetProperty("episode_id").GetString());
    }

    [Fact]
    public async Task A_released_model_serves_after_a_restart_with_the_same_answers()
    {
        using var folder = new TemporaryFolder();
        var path = store.CopyTo(folder);
        string before;
        await using (var server = await ServerUnderTest.StartAsync(path))
        {
            await server.PostAsync("/api/lightning/deployments", new { run_id = store.GoodRun });
            before = Answer(await server.TriageAsync(store.TellingText));
        }

        await using var reopened = await ServerUnderTest.StartAsync(path);

        Assert.Equal(before, Answer(await reopened.TriageAsync(store.TellingText)));

        static string Answer(JsonElement answer) =>
            string.Join(' ', answer.EnumerateObject().Where(property => property.Name != "episode_id"));
    }
}
