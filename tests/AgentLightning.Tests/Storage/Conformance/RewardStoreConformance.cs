using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Rewards;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class RewardStoreConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    private IRewardStore Store => Get<IRewardStore>();

    [Fact]
    public async Task A_page_ends_at_a_place_that_is_found_also_when_its_last_reward_is_deleted()
    {
        await Get<IEpisodeStore>().AddAsync([NewEpisode("e1"), NewEpisode("e2")], Token);
        await Get<IRewardStore>().AddAsync([.. Enumerable.Range(0, 6).Select(i => NewReward($"r{i}", i == 3 ? "e2" : "e1", 0.5))], Token);
        var first = await Get<IRewardStore>().ListAsync(new RewardQuery(Limit: 3), Token);
        var place = PageCursor.After(first[^1].CreatedAt, first[^1].Id);
        Assert.Equal("r3", first[^1].Id);
        await Get<IEpisodeStore>().DeleteAsync(new EpisodeSelection(Ids: ["e2"]), 1, Token);

        var second = await Get<IRewardStore>().ListAsync(new RewardQuery(Before: place), Token);

        Assert.Equal(["r2", "r1", "r0"], second.Select(reward => reward.Id));
    }

    [Fact]
    public async Task A_later_reward_of_one_source_supersedes_and_history_keeps_both()
    {
        await AddEpisodesAsync("e1");
        await Store.AddAsync([NewReward("r1", "e1", -1)], Token);
        await Store.AddAsync(
            [
                NewReward("r2", "e1", 0.5) with
                {
                    CreatedAt = Noon.AddMinutes(1),
                    Correction = "right",
                    RawValue = 0.75,
                    Scale = "0..1",
                    Comments = "better",
                    Rubric = "tone",
                },
            ],
            Token
        );

        var history = await Store.HistoryAsync("e1", Token);

        Assert.Equal(["r2", "r1"], history.Select(reward => reward.Id));
        Assert.Equal([true, false], history.Select(reward => reward.IsCurrent));
        Assert.Equivalent(
            NewReward("r2", "e1", 0.5) with
            {
                CreatedAt = Noon.AddMinutes(1),
                Correction = "right",
                RawValue = 0.75,
                Scale = "0..1",
                Comments = "better",
                Rubric = "tone",
            },
            history[0],
            strict: true
        );
        Assert.Equal((1, 0.5), await CountAndMeanAsync());
    }

    [Fact]
    public async Task Rewards_of_other_sources_and_evaluators_stand_beside_each_other()
    {
        await AddEpisodesAsync("e1");
        await Store.AddAsync(
            [
                NewReward("r1", "e1", 1),
                NewReward("r2", "e1", 0, source: RewardSource.EvalScore),
                NewReward("r3", "e1", -1) with
                {
                    Evaluator = "second",
                },
            ],
            Token
        );

        Assert.Equal((3, 0.0), await CountAndMeanAsync());
    }

    [Fact]
    public async Task A_reward_for_an_unknown_episode_is_refused_and_none_of_its_group_is_stored()
    {
        await AddEpisodesAsync("e1");

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            Store.AddAsync([NewReward("r1", "e1", 1), NewReward("r2", "nobody", 1)], Token)
        );

        Assert.Equal(ErrorKind.NotFound, error.Kind);
        Assert.Contains("nobody", error.Message, StringComparison.Ordinal);
        Assert.Empty(await Store.HistoryAsync("e1", Token));
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(1.0001)]
    [InlineData(-1.0001)]
    public async Task A_value_outside_the_scale_is_refused_and_nothing_is_superseded(double value)
    {
        await AddEpisodesAsync("e1");
        await Store.AddAsync([NewReward("r1", "e1", 0.25)], Token);

        var error = await Assert.ThrowsAsync<LightningException>(() => Store.AddAsync([NewReward("r2", "e1", value)], Token));

        Assert.Contains("from -1 to 1", error.Message, StringComparison.Ordinal);
        Assert.Equal((1, 0.25), await CountAndMeanAsync());
    }

    [Fact]
    public async Task The_same_id_twice_is_one_reward()
    {
        await AddEpisodesAsync("e1");

        Assert.Equal(1, await Store.AddAsync([NewReward("r1", "e1", 1)], Token));
        Assert.Equal(0, await Store.AddAsync([NewReward("r1", "e1", -1)], Token));
        Assert.Equal((1, 1.0), await CountAndMeanAsync());
    }

    [Fact]
    public async Task Of_many_rewards_for_one_episode_at_once_all_are_kept_and_one_is_current()
    {
        await AddEpisodesAsync("e1", "e2");
        var other = (IRewardStore)(await Engine.OpenAsync()).GetService(typeof(IRewardStore))!;

        var added = await Task.WhenAll(
            Enumerable
                .Range(0, 24)
                .Select(i =>
                    Task.Run(() =>
                        (i % 2 == 0 ? Store : other).AddAsync(
                            [NewReward($"a{i}", i % 4 < 2 ? "e1" : "e2", 0.5), NewReward($"b{i}", i % 4 < 2 ? "e2" : "e1", 0.5)],
                            Token
                        )
                    )
                )
        );

        Assert.Equal(48, added.Sum());
        var history = (await Store.HistoryAsync("e1", Token)).Concat(await Store.HistoryAsync("e2", Token)).ToList();
        Assert.Equal((48, 2), (history.Count, history.Count(reward => reward.IsCurrent)));
    }

    [Fact]
    public async Task Of_many_that_give_the_same_reward_at_once_one_is_told_that_it_is_new()
    {
        await AddEpisodesAsync("e1", "e2");

        var added = await Task.WhenAll(
            Enumerable.Range(0, 12).Select(i => Task.Run(() => Store.AddAsync([NewReward("r1", i % 2 == 0 ? "e1" : "e2", 0.5)], Token)))
        );

        Assert.Equal(1, added.Sum());
        Assert.Equal((1, 0.5), await CountAndMeanAsync());
    }

    [Fact]
    public async Task A_group_of_thousands_is_stored()
    {
        const int Count = 4_000;
        await AddEpisodesAsync([.. Enumerable.Range(0, Count).Select(i => $"e{i}")]);

        Assert.Equal(Count, await Store.AddAsync([.. Enumerable.Range(0, Count).Select(i => NewReward($"r{i}", $"e{i}", 0.25))], Token));
        Assert.Equal((Count, 0.25), await CountAndMeanAsync());
    }

    [Fact]
    public async Task A_release_is_summarised_over_its_newest_rewards_only()
    {
        double[] values = [-1, -1, 0.5, 0.25, 0.75];
        var episodes = values
            .Select((_, i) => NewEpisode($"e{i}") with { DeploymentId = "d" })
            .Append(NewEpisode("other") with { DeploymentId = "x" });
        await Get<IEpisodeStore>().AddAsync([.. episodes], Token);
        await Store.AddAsync(
            [
                .. values.Select((value, i) => NewReward($"r{i}", $"e{i}", value) with { CreatedAt = Noon.AddMinutes(i) }),
                NewReward("rx", "other", -1),
            ],
            Token
        );

        var summary = await Store.SummariseDeploymentAsync("d", 3, Token);

        Assert.Equal(3, summary.Count);
        Assert.Equal(0.5, summary.Mean, 1e-9);
        Assert.Equal(0.0625, summary.Variance, 1e-9);
    }

    [Fact]
    public async Task A_judgement_counts_instead_of_what_signals_gave_whichever_comes_first_and_a_penalty_does_not()
    {
        await AddEpisodesAsync("e1", "e2");
        await Store.AddAsync(
            [
                NewReward("r1", "e1", 0.5, source: RewardSource.ImplicitSignals),
                NewReward("r2", "e1", 0.75, source: RewardSource.ImplicitSignals) with
                {
                    Evaluator = "second",
                },
            ],
            Token
        );
        await Store.AddAsync([NewReward("r3", "e1", -0.25, source: RewardSource.LatencyPenalty)], Token);
        Assert.Equal((3, Math.Round(1.0 / 3, 9)), await CountAndMeanAsync());

        await Store.AddAsync([NewReward("r4", "e1", -1, source: RewardSource.TestResult)], Token);
        await Store.AddAsync([NewReward("r5", "e1", 1, source: RewardSource.ImplicitSignals)], Token);
        await Store.AddAsync(
            [NewReward("r6", "e2", 0, source: RewardSource.CostPenalty), NewReward("r7", "e2", 0.5, source: RewardSource.ImplicitSignals)],
            Token
        );

        Assert.Equal(
            ["r3", "r4", "r6", "r7"],
            (await Store.ListAsync(new RewardQuery(), Token)).Where(reward => reward.IsCurrent).Select(reward => reward.Id).Order()
        );
        Assert.Equal((4, -0.1875), await CountAndMeanAsync());
        Assert.Equal(5, (await Store.HistoryAsync("e1", Token)).Count);
    }

    [Fact]
    public async Task Pages_of_rewards_give_each_once_newest_first_and_only_what_is_asked_for()
    {
        await AddEpisodesAsync("e1", "e2");
        await Get<IEpisodeStore>().AddAsync([NewEpisode("e3") with { AgentId = "other" }], Token);
        await Store.AddAsync(
            [
                .. Enumerable
                    .Range(0, 40)
                    .Select(i =>
                        NewReward(
                            $"r{i}",
                            i % 5 == 0 ? "e3"
                                : i % 2 == 0 ? "e1"
                                : "e2",
                            0.5,
                            i % 5 == 0 ? "other" : "agent",
                            i % 3 == 0 ? RewardSource.EvalScore : RewardSource.HumanApproval
                        ) with
                        {
                            CreatedAt = Noon.AddMinutes(i / 3),
                        }
                    ),
            ],
            Token
        );

        var seen = new List<Reward>();
        for (
            var page = await Store.ListAsync(new RewardQuery(Limit: 7), Token);
            page.Count > 0;
            page = await Store.ListAsync(new RewardQuery(Limit: 7, Before: seen[^1].Id), Token)
        )
        {
            seen.AddRange(page);
        }

        Assert.Equal(40, seen.DistinctBy(reward => reward.Id).Count());
        Assert.Equal(
            seen.OrderByDescending(reward => reward.CreatedAt).ThenByDescending(reward => reward.Id, StringComparer.Ordinal),
            seen
        );
        var some = await Store.ListAsync(new RewardQuery("agent", "e2", RewardSource.EvalScore), Token);
        Assert.Equal(["r39", "r33", "r27", "r21", "r9", "r3"], some.Select(reward => reward.Id));
        Assert.Equal(
            ErrorKind.NotFound,
            (await Assert.ThrowsAsync<LightningException>(() => Store.ListAsync(new RewardQuery(Before: "nobody"), Token))).Kind
        );
        Assert.Equal(
            ErrorKind.Invalid,
            (await Assert.ThrowsAsync<LightningException>(() => Store.ListAsync(new RewardQuery(Limit: 1_001), Token))).Kind
        );
    }

    [Fact]
    public async Task The_range_is_of_current_rewards_of_the_agent()
    {
        await AddEpisodesAsync("e1", "e2");
        await Get<IEpisodeStore>().AddAsync([NewEpisode("e3") with { AgentId = "other" }], Token);
        Assert.Null(await Store.FindRangeAsync("agent", Token));

        await Store.AddAsync(
            [
                NewReward("r1", "e1", -1),
                NewReward("r2", "e1", -0.5),
                NewReward("r3", "e2", 0.75),
                NewReward("r4", "e3", 1, "other", RewardSource.EvalScore),
            ],
            Token
        );

        Assert.Equal(new RewardRange(-0.5, 0.75), await Store.FindRangeAsync("agent", Token));
        Assert.Equal(new RewardRange(-0.5, 1), await Store.FindRangeAsync(null, Token));
    }

    [Fact]
    public async Task No_rewards_are_zero_and_not_an_error() =>
        Assert.Equal(new RewardSummary(0, 0, 0), await Store.SummariseAsync("nobody", Token));

    private Task<int> AddEpisodesAsync(params string[] ids) => Get<IEpisodeStore>().AddAsync([.. ids.Select(id => NewEpisode(id))], Token);

    private async Task<(long, double)> CountAndMeanAsync()
    {
        var summary = await Store.SummariseAsync("agent", Token);
        return (summary.Count, Math.Round(summary.Mean, 9));
    }
}
