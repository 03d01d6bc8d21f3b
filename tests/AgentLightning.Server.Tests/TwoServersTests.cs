using System.Diagnostics;
using System.Text.Json;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

public sealed class TwoServersTests(TrainedStore store)
{
    [Fact]
    public async Task Two_servers_on_one_store_see_each_others_promotion_and_rollback_within_a_second()
    {
        using var folder = new TemporaryFolder();
        var path = store.CopyTo(folder);
        await using var one = await ServerUnderTest.StartAsync(path);
        await using var two = await ServerUnderTest.StartAsync(path);
        await one.TriageAsync("warm");
        await two.TriageAsync("warm");

        var release = await one.PostAsync("/api/lightning/deployments", new { run_id = store.GoodRun });
        await SeenAsync(two, release);

        release = await two.PostAsync("/api/lightning/deployments", new { run_id = store.OtherGoodRun, force = true });
        await SeenAsync(one, release);

        release = await one.PostAsync("/api/lightning/deployments/rollback", new { });
        await SeenAsync(two, release);
        Assert.Equal(store.GoodRun, (await two.GetAsync("/api/lightning/deployments/active")).GetProperty("training_run_id").GetString());
    }

    [Fact]
    public async Task An_episode_captured_by_one_server_can_be_rewarded_through_the_other()
    {
        using var folder = new TemporaryFolder();
        await using var one = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await using var two = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        await one.TriageAsync("x", "shared");
        await two.RewardAsync("shared", -0.5);

        Assert.Single((await one.GetAsync("/api/lightning/episodes/shared")).GetProperty("rewards").EnumerateArray());
    }

    /// <summary>Asks until the release answers; a second is what is promised, and the rest is for a busy machine.</summary>
    private static async Task SeenAsync(ServerUnderTest server, JsonElement release)
    {
        var (clock, id) = (Stopwatch.StartNew(), release.GetProperty("deployment_id").GetString());
        while ((await server.TriageAsync("x")).GetProperty("deployment_id").GetString() != id)
        {
            Assert.InRange(clock.Elapsed.TotalSeconds, 0, 3);
        }
    }
}
