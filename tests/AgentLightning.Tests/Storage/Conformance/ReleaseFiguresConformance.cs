using AgentLightning.Deployments;
using AgentLightning.Episodes;
using AgentLightning.Rewards;
using AgentLightning.Storage;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class ReleaseFiguresConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    [Fact]
    public async Task Figures_count_what_a_release_served_and_no_longer_what_was_deleted()
    {
        await Get<IEpisodeStore>()
            .AddAsync(
                [
                    Served("e1", 10) with
                    {
                        TokenUsage = new TokenUsage(100, 20, 120),
                    },
                    Served("e2", 20.5) with
                    {
                        Status = EpisodeStatus.Failed,
                        TokenUsage = new TokenUsage(1, 2, 3),
                    },
                    Served("e3", 30) with
                    {
                        DeploymentId = "d2",
                    },
                    Served("e4", 40) with
                    {
                        AgentId = "other",
                    },
                    NewEpisode("e5"),
                ],
                Token
            );
        await Get<IRewardStore>()
            .AddAsync(
                [NewReward("r1", "e1", 1), NewReward("r2", "e1", 0.5), NewReward("r3", "e2", -0.5), NewReward("r4", "e4", 1, "other")],
                Token
            );

        var figures = await FiguresAsync();

        Assert.Equal(["d1", "none", "d2"], figures.Select(release => release.DeploymentId));
        Assert.Equal(new ReleaseFigures("d1", 2, 1, 15.25, 101, 22, new RewardSummary(2, 0, 0.5), 6844.5), figures[0]);
        Assert.Equal(0.5, figures[0].ErrorRate);
        Assert.Equal(new ReleaseFigures("none", 0, 0, 0, 0, 0, new RewardSummary(0, 0, 0), 0), figures[1]);
        Assert.Equal(1, figures[2].Episodes);

        var latencies = await LatenciesAsync();
        Assert.Equal([2, 0, 1], latencies.Select(counts => counts.Total));
        Assert.Equal((11.314, 22.627, 0), (latencies[0].Percentile(0.5), latencies[0].Percentile(0.95), latencies[1].Percentile(0.95)));
        Assert.Equal(0.5, latencies[0].ShareFrom(11.314));

        // The tokens outlive the payload, and go with the episode.
        await Get<IEpisodeStore>().RemovePayloadsAsync(new EpisodeSelection(Ids: ["e2"]), 10, Token);
        Assert.Equal(figures[0], (await FiguresAsync())[0]);
        await Get<IEpisodeStore>().DeleteAsync(new EpisodeSelection(Ids: ["e2"]), 10, Token);
        Assert.Equal(new ReleaseFigures("d1", 1, 0, 10, 100, 20, new RewardSummary(1, 0.5, 0)), (await FiguresAsync())[0]);
        Assert.Equal(1, (await LatenciesAsync())[0].Total);
        Assert.All(await Get<StoreCheck>().RunAsync(Token), result => Assert.True(result.Passed, result.Detail));

        await Engine.DamageAsync("DELETE FROM release_latencies WHERE agent_id = @id", "agent");
        Assert.Contains(await Get<StoreCheck>().RunAsync(Token), result => !result.Passed);
        await Engine.DamageAsync("UPDATE release_totals SET latency = latency + 5000, rewards = 9 WHERE agent_id = @id", "agent");
        Assert.Contains(await Get<StoreCheck>().RunAsync(Token), result => !result.Passed);
        await Get<StoreCheck>().RebuildTotalsAsync(Token);
        Assert.Equal(new ReleaseFigures("d1", 1, 0, 10, 100, 20, new RewardSummary(1, 0.5, 0)), (await FiguresAsync())[0]);
    }

    [Fact]
    public async Task Times_lie_where_their_edges_are_and_a_count_over_all_rows_gives_the_same()
    {
        double[] times = [0, 0.9995, 1, 1.189, 1.1891, 22.627, 1e6, 1e12];
        await Get<IEpisodeStore>().AddAsync([.. times.Select((time, i) => Served($"e{i}", time))], Token);
        var counted = (await LatenciesAsync())[0].Episodes;

        await Get<StoreCheck>().RebuildTotalsAsync(Token);

        Assert.Equal(times.Length, counted.Sum());
        Assert.Equal(counted, (await LatenciesAsync())[0].Episodes);
    }

    private Task<IReadOnlyList<LatencyCounts>> LatenciesAsync() =>
        Get<IReleaseFigures>().ReadLatenciesAsync("agent", ["d1", "none", "d2"], Token);

    private Task<IReadOnlyList<ReleaseFigures>> FiguresAsync() => Get<IReleaseFigures>().ReadAsync("agent", ["d1", "none", "d2"], Token);

    private static Episode Served(string id, double latencyMs) => NewEpisode(id) with { DeploymentId = "d1", RequestLatencyMs = latencyMs };
}
