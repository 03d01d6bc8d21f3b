using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

public sealed class TwoServersTests(TrainedStore store)
{
    [Fact]
    public async Task Two_servers_on_one_store_see_each_others_promotion_and_rollback_at_the_next_request()
    {
        using var folder = new TemporaryFolder();
        var path = store.CopyTo(folder);
        await using var one = await ServerUnderTest.StartAsync(path);
        await using var two = await ServerUnderTest.StartAsync(path);
        await one.TriageAsync("warm");
        await two.TriageAsync("warm");

        var release = await one.PostAsync("/api/lightning/deployments", new { run_id = store.GoodRun });
        Assert.Equal(
            release.GetProperty("deployment_id").GetString(),
            (await two.TriageAsync("x")).GetProperty("deployment_id").GetString()
        );

        release = await two.PostAsync("/api/lightning/deployments", new { run_id = store.OtherGoodRun, force = true });
        Assert.Equal(
            release.GetProperty("deployment_id").GetString(),
            (await one.TriageAsync("x")).GetProperty("deployment_id").GetString()
        );

        release = await one.PostAsync("/api/lightning/deployments/rollback", new { });
        Assert.Equal(
            release.GetProperty("deployment_id").GetString(),
            (await two.TriageAsync("x")).GetProperty("deployment_id").GetString()
        );
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
}
