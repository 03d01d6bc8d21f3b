using AgentLightning.Capture;
using AgentLightning.Client.Tests.Support;
using AgentLightning.Episodes;
using AgentLightning.Rewards;
using AgentLightning.Testing;
using AgentLightning.Traces;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Client.Tests;

[Collection(nameof(EmitTests))]
public sealed class EmbeddedTests
{
    [Fact]
    public async Task The_same_calls_capture_into_a_store_of_this_process()
    {
        using var folder = new TemporaryFolder();
        await using var services = new ServiceCollection()
            .AddLogging()
            .AddLightningEmbedded(new LightningOptions { Store = folder.File("lightning.db") }, options => options.DataFolder = "")
            .BuildServiceProvider();
        using var client = new Model("password=planted-0001").UseLightning(services, "shop");

        var response = await client.GetResponseAsync("hi");
        services.GetRequiredService<AgentTracker>().UpdateReward(response.GetEpisodeId()!, 1, "thumbs_up");
        await services.GetRequiredService<LightningClient>().FlushAsync();

        var episode = await services.GetRequiredService<IEpisodeStore>().FindAsync(response.GetEpisodeId()!, CancellationToken.None);
        Assert.Equal(("shop", "hi", "password=[REDACTED]"), (episode!.AgentId, episode.UserInput, episode.AssistantOutput));
        var reward = Assert.Single(await services.GetRequiredService<IRewardStore>().HistoryAsync(episode.Id, CancellationToken.None));
        Assert.Equal((1, "thumbs_up", RewardSource.HumanApproval), (reward.Value, reward.Rubric, reward.Source));
    }

    [Fact]
    public async Task Episodes_and_rewards_are_read_out_of_spans_in_this_process()
    {
        using var folder = new TemporaryFolder();
        await using var services = new ServiceCollection()
            .AddLogging()
            .AddLightningEmbedded(
                new LightningOptions
                {
                    Store = folder.File("lightning.db"),
                    Traces = new TraceOptions { RootQuiet = TimeSpan.Zero, ReadInterval = TimeSpan.FromMilliseconds(10) },
                },
                options => (options.DataFolder, options.AgentId) = ("", "shop")
            )
            .BuildServiceProvider();
        var lightning = services.GetRequiredService<LightningClient>();
        // Not below what the test host may trace.
        System.Diagnostics.Activity.Current = null;
        string trace;
        using (var operation = LightningEmitter.Operation("plan"))
        {
            trace = operation.TraceId!;
            operation.SetInput("password=planted-0002");
            LightningEmitter.EmitReward(0.25);
            operation.SetOutput("done");
        }

        await lightning.FlushAsync();
        var rewards = services.GetRequiredService<IRewardStore>();
        await Instrument.UntilAsync<double>("AgentLightning", "lightning.store.write.duration", async () =>
            (await rewards.HistoryAsync(trace, CancellationToken.None)).Count > 0
        );

        var episode = await services.GetRequiredService<IEpisodeStore>().FindAsync(trace, CancellationToken.None);
        Assert.Equal(("shop", "done", 0), (episode!.AgentId, episode.AssistantOutput, lightning.Statistics.Dropped));
        Assert.Contains("[REDACTED]", episode.UserInput, StringComparison.Ordinal);
        Assert.Equal(0.25, Assert.Single(await rewards.HistoryAsync(trace, CancellationToken.None)).Value);
    }

    [Fact]
    public async Task Disposing_the_services_stores_what_is_still_queued()
    {
        using var folder = new TemporaryFolder();
        var options = new LightningOptions { Store = folder.File("lightning.db") };
        await using (
            var services = new ServiceCollection()
                .AddLogging()
                .AddLightningEmbedded(options, client => (client.DataFolder, client.BatchDelay) = ("", TimeSpan.FromMinutes(1)))
                .BuildServiceProvider()
        )
        {
            for (var i = 0; i < 100; i++)
            {
                services.GetRequiredService<LightningClient>().Track(Quick.Episode($"{i}", $"e{i}"));
            }
        }

        await using var again = new ServiceCollection().AddLogging().AddLightningServices(options).BuildServiceProvider();

        Assert.Equal(100, await again.GetRequiredService<IEpisodeStore>().CountAsync("shop", CancellationToken.None));
    }
}
