using AgentLightning.Access;
using AgentLightning.Datasets;
using AgentLightning.Episodes;
using AgentLightning.Rewards;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class DatasetStoreConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    private IDatasetStore Store => Get<IDatasetStore>();

    [Fact]
    public async Task Versions_count_up_for_each_agent_and_name()
    {
        Assert.Equal(1, (await AddDatasetAsync("d1")).Version);
        Assert.Equal(2, (await AddDatasetAsync("d2")).Version);
        Assert.Equal(1, (await AddDatasetAsync("d3", "other")).Version);
        Assert.Equal(1, (await AddDatasetAsync("d4", agent: "somebody")).Version);

        Assert.Equal(await AddDatasetAsync("d5"), await Store.FindAsync("d5", Token));
        Assert.Equal(4, await Store.CountAsync("agent", Token));
        Assert.Equal(2, (await Store.ListAsync("agent", 2, Token)).Count);
    }

    [Fact]
    public async Task Many_of_one_name_at_once_get_a_version_each()
    {
        var added = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => Task.Run(() => AddDatasetAsync($"d{i}"))));

        Assert.Equal(Enumerable.Range(1, 12), added.Select(dataset => dataset.Version).Order());
    }

    [Fact]
    public async Task Rewarded_choices_come_grouped_by_input_with_quality_averaged_and_penalties_added()
    {
        await Get<IEpisodeStore>()
            .AddAsync(
                [
                    NewEpisode("e1", minute: 2) with
                    {
                        InputKey = "k1",
                    },
                    NewEpisode("e2", minute: 1) with
                    {
                        InputKey = "k1",
                        Action = "no",
                    },
                    NewEpisode("e3") with
                    {
                        InputKey = "k0",
                    },
                    NewEpisode("own") with
                    {
                        Internal = true,
                    },
                    NewEpisode("failed") with
                    {
                        Status = EpisodeStatus.Failed,
                    },
                    NewEpisode("no-choice") with
                    {
                        Action = null,
                    },
                    NewEpisode("unrewarded"),
                    NewEpisode("foreign", "other"),
                ],
                Token
            );
        await Get<IRewardStore>()
            .AddAsync(
                [
                    NewReward("r1", "e1", 1),
                    NewReward("r2", "e1", 0.5, source: RewardSource.EvalScore),
                    NewReward("r3", "e1", -0.1, source: RewardSource.LatencyPenalty),
                    NewReward("r4", "e2", -1) with
                    {
                        Correction = "yes",
                    },
                    NewReward("r5", "e3", -0.9),
                    NewReward("r6", "e3", -0.9, source: RewardSource.CostPenalty),
                    NewReward("r7", "own", 1),
                    NewReward("r8", "failed", 1),
                    NewReward("r9", "no-choice", 1),
                    NewReward("r10", "foreign", 1, "other"),
                ],
                Token
            );

        var dataset = await Get<BuildDataset>().ExecuteAsync(Scope.Owner("test"), new DatasetRequest("agent", "data", 1), Token);
        var rows = await Get<DatasetReader>().ReadAsync(dataset, Token);

        Assert.Equal([("k0", 1), ("k1", 2)], rows.OrderBy(row => row.Key).Select(row => (row.Key, row.Answers.Count)));
        var answers = rows.OrderBy(row => row.Key).SelectMany(row => row.Answers).ToList();
        Assert.Equal(["e3", "e2", "e1"], answers.Select(answer => answer.EpisodeId));
        Assert.Equal([-1, -1, 0.65], answers.Select(answer => Math.Round(answer.Reward, 9)));
        Assert.Equal([null, "yes"], rows.OrderBy(row => row.Key).Select(row => row.Expected));
        Assert.Equal(
            ("input of e2", "no", -0.5),
            (rows.Single(row => row.Key == "k1").Input, answers[1].Action, answers[1].LogProbability)
        );
    }
}
