using System.Security.Cryptography;
using AgentLightning.Episodes;
using AgentLightning.Monitoring;
using AgentLightning.Rewards;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class RewardTotalsConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    private static readonly DateOnly s_first = new(2026, 3, 1);

    private IRewardTotals Totals => Get<IRewardTotals>();

    [Fact]
    public async Task Whatever_is_written_superseded_and_deleted_totals_are_what_a_count_over_all_rows_gives()
    {
        var seed = RandomNumberGenerator.GetInt32(int.MaxValue);
        var random = new Random(seed);
        var (episodes, rewards) = (Get<IEpisodeStore>(), Get<IRewardStore>());
        var made = new List<Episode>();
        for (var round = 0; round < 25; round++)
        {
            var group = Enumerable
                .Range(0, 12)
                .Select(i =>
                    NewEpisode($"e{round}-{i}", $"a{random.Next(2)}") with
                    {
                        CreatedAt = new DateTimeOffset(s_first.AddDays(random.Next(20)), default, TimeSpan.Zero).AddMicroseconds(
                            random.NextInt64(86_400_000_000)
                        ),
                        ModelDeployment = random.Next(3) == 0 ? null : $"m{random.Next(2)}",
                        Intent = random.Next(3) == 0 ? null : $"i{random.Next(3)}",
                        Persona = random.Next(2) == 0 ? null : "p",
                        Status = random.Next(4) == 0 ? EpisodeStatus.Failed : EpisodeStatus.Succeeded,
                    }
                )
                .ToList();
            await episodes.AddAsync(group, Token);
            made.AddRange(group);
            await rewards.AddAsync(
                [
                    .. Enumerable
                        .Range(0, 20)
                        .Select(i =>
                        {
                            var episode = made[random.Next(made.Count)];
                            return NewReward(
                                $"r{round}-{i}",
                                episode.Id,
                                random.Next(-10_000, 10_001) / 10_000.0,
                                episode.AgentId,
                                random.Next(3) switch
                                {
                                    0 => RewardSource.ImplicitSignals,
                                    1 => RewardSource.EvalScore,
                                    _ => RewardSource.HumanApproval,
                                }
                            ) with
                            {
                                Evaluator = $"v{random.Next(2)}",
                            };
                        }),
                ],
                Token
            );
            var gone = made[random.Next(made.Count)];
            made.Remove(gone);
            await episodes.DeleteAsync(new EpisodeSelection(Ids: [gone.Id]), 1, Token);
        }

        var current = new List<(Episode Episode, double Value)>();
        foreach (var episode in made)
        {
            current.AddRange(
                (await rewards.HistoryAsync(episode.Id, Token)).Where(reward => reward.IsCurrent).Select(reward => (episode, reward.Value))
            );
        }

        foreach (
            var by in new[]
            {
                TotalsBy.None,
                TotalsBy.Day,
                TotalsBy.Model,
                TotalsBy.Intent,
                TotalsBy.Persona,
                TotalsBy.Day | TotalsBy.Model | TotalsBy.Intent | TotalsBy.Persona,
            }
        )
        {
            var agent = random.Next(3) is var draw && draw == 2 ? null : $"a{draw}";
            var period = new MonitoringPeriod(s_first.AddDays(random.Next(8)), s_first.AddDays(random.Next(8, 20)));
            var expected = made.Where(In)
                .GroupBy(KeyOf)
                .ToDictionary(
                    group => group.Key,
                    group =>
                        (
                            group.LongCount(),
                            group.LongCount(episode => episode.Status != EpisodeStatus.Succeeded),
                            ValuesOf(group.Key).LongCount(),
                            Math.Round(ValuesOf(group.Key).Sum(), 9),
                            Math.Round(ValuesOf(group.Key).Sum(value => value * value), 9),
                            ValuesOf(group.Key).LongCount(value => value >= 0.6),
                            ValuesOf(group.Key).LongCount(value => value is >= 0 and < 0.6)
                        )
                );

            var seen = (await Totals.SumAsync(agent, period, by, Token)).ToDictionary(
                group => (group.Day, group.Model, group.Intent, group.Persona),
                group =>
                    (
                        group.Totals.Episodes,
                        group.Totals.Failed,
                        group.Totals.Rewards,
                        Math.Round(group.Totals.RewardSum, 9),
                        Math.Round(group.Totals.RewardSquares, 9),
                        group.Totals.Excellent,
                        group.Totals.Good
                    )
            );

            Assert.True(
                expected.Count == seen.Count && expected.All(pair => seen.TryGetValue(pair.Key, out var value) && pair.Value == value),
                $"seed {seed}, by {by}: {string.Join(' ', expected)} but {string.Join(' ', seen)}"
            );

            bool In(Episode episode) =>
                (agent ?? episode.AgentId) == episode.AgentId && DayOf(episode) >= period.Start && DayOf(episode) <= period.End;

            (DateOnly?, string?, string?, string?) KeyOf(Episode episode) =>
                (
                    by.HasFlag(TotalsBy.Day) ? DayOf(episode) : null,
                    by.HasFlag(TotalsBy.Model) ? episode.ModelDeployment ?? "" : null,
                    by.HasFlag(TotalsBy.Intent) ? episode.Intent ?? "" : null,
                    by.HasFlag(TotalsBy.Persona) ? episode.Persona ?? "" : null
                );

            IEnumerable<double> ValuesOf((DateOnly?, string?, string?, string?) key) =>
                current.Where(reward => In(reward.Episode) && KeyOf(reward.Episode) == key).Select(reward => reward.Value);
        }
    }

    [Fact]
    public async Task Of_nothing_there_are_no_totals_or_zeros()
    {
        var period = new MonitoringPeriod(s_first, s_first);

        Assert.Empty(await Totals.SumAsync("nobody", period, TotalsBy.Day, Token));
        Assert.Empty(await Totals.SumAsync(null, period, TotalsBy.None, Token));
        Assert.Empty(await Totals.FindWorstAsync("nobody", period, new TotalsGroup(null, null, null, null, RewardTotals.Empty), 3, Token));
    }

    [Fact]
    public async Task Examples_are_the_lowest_of_the_group_on_its_lowest_day()
    {
        var values = new[]
        {
            ("e0", 0, "bad", -0.2),
            ("e1", 1, "bad", -0.5),
            ("e2", 1, "bad", -0.9),
            ("e3", 1, "bad", 0.1),
            ("e4", 1, "other", -1.0),
            ("e5", 1, "bad", -0.6),
        };
        await Get<IEpisodeStore>()
            .AddAsync(
                [.. values.Select(row => NewEpisode(row.Item1) with { CreatedAt = Noon.AddDays(row.Item2), Intent = row.Item3 })],
                Token
            );
        await Get<IRewardStore>().AddAsync([.. values.Select(row => NewReward("r" + row.Item1, row.Item1, row.Item4))], Token);
        var period = new MonitoringPeriod(DateOnly.FromDateTime(Noon.UtcDateTime), DateOnly.FromDateTime(Noon.UtcDateTime).AddDays(1));

        var examples = await Totals.FindWorstAsync("agent", period, new TotalsGroup(null, null, "bad", "", RewardTotals.Empty), 3, Token);

        Assert.Equal(["e2", "e5", "e1"], examples);
    }

    private static DateOnly DayOf(Episode episode) => DateOnly.FromDateTime(episode.CreatedAt.UtcDateTime);
}
