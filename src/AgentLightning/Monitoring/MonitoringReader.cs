using System.Globalization;
using AgentLightning.Common;
using AgentLightning.Feedback;

namespace AgentLightning.Monitoring;

/// <summary>By what rewards are reported.</summary>
public enum RewardGrouping
{
    Day,

    /// <summary>ISO 8601 weeks, <c>2026-W05</c>.</summary>
    Week,
    Intent,
    Persona,
    Model,
}

/// <summary>Rewards of what shares a day, a week, an intent, a persona or a model.</summary>
/// <param name="Key">"" for episodes that have none.</param>
/// <param name="AverageReward">−1…1; null without rewards.</param>
public sealed record RewardGroup(string Key, long Episodes, long Failed, long Rewards, double? AverageReward);

/// <summary>How many of the messages of a period got feedback.</summary>
/// <param name="Rate">0…1; 0 without episodes.</param>
/// <param name="Percent">The same in per cent.</param>
public sealed record SubmissionRate(long Episodes, long EpisodesWithFeedback, double Rate, double Percent);

/// <summary>How the current rewards of a period spread.</summary>
/// <param name="Excellent">0.8 and more on the scale 0…1.</param>
/// <param name="Good">0.5 to 0.8.</param>
/// <param name="Poor">Below 0.5.</param>
public sealed record RewardDistribution(long Rewards, double? AverageReward, long Excellent, long Good, long Poor);

/// <summary>Says how an agent is doing over a period, from totals that are exact and kept with the rows.</summary>
public sealed class MonitoringReader(IRewardTotals totals, IFeedbackStore feedback)
{
    private const int ExamplesOfPattern = 3;

    /// <summary>Average rewards by day and week in the order of time, by the others with the most episodes first.</summary>
    /// <param name="agentId">Null takes all agents together, here and below.</param>
    /// <param name="limit">The most groups, 1…1,000; days and weeks are given whole.</param>
    public async Task<IReadOnlyList<RewardGroup>> GroupAsync(
        string? agentId,
        MonitoringPeriod period,
        RewardGrouping by,
        int limit,
        CancellationToken cancellationToken
    )
    {
        CheckLimit(limit, 1_000);
        var groups = await totals
            .SumAsync(
                agentId,
                period,
                by switch
                {
                    RewardGrouping.Model => TotalsBy.Model,
                    RewardGrouping.Intent => TotalsBy.Intent,
                    RewardGrouping.Persona => TotalsBy.Persona,
                    _ => TotalsBy.Day,
                },
                cancellationToken
            )
            .ConfigureAwait(false);
        return by switch
        {
            RewardGrouping.Day => [.. groups.Select(group => Of(TextOf(group.Day!.Value), group.Totals))],
            RewardGrouping.Week =>
            [
                .. groups
                    .GroupBy(group => WeekOf(group.Day!.Value))
                    .Select(week => Of(week.Key, week.Aggregate(RewardTotals.Empty, (sum, day) => sum + day.Totals))),
            ],
            _ =>
            [
                .. groups
                    .OrderByDescending(group => group.Totals.Episodes)
                    .Take(limit)
                    .Select(group => Of((group.Model ?? group.Intent ?? group.Persona)!, group.Totals)),
            ],
        };
    }

    public async Task<SubmissionRate> SubmissionAsync(string? agentId, MonitoringPeriod period, CancellationToken cancellationToken)
    {
        var answered = await feedback.CountMessagesAsync(agentId, period.Start, period.End, cancellationToken).ConfigureAwait(false);
        var episodes = (await SumAsync(agentId, period, cancellationToken).ConfigureAwait(false)).Episodes;
        var rate = episodes == 0 ? 0 : Math.Min(1, (double)answered / episodes);
        return new SubmissionRate(episodes, answered, Math.Round(rate, 6), Math.Round(rate * 100, 2));
    }

    public async Task<RewardDistribution> DistributionAsync(string? agentId, MonitoringPeriod period, CancellationToken cancellationToken)
    {
        var sum = await SumAsync(agentId, period, cancellationToken).ConfigureAwait(false);
        return new RewardDistribution(sum.Rewards, Rounded(sum.Mean), sum.Excellent, sum.Good, sum.Poor);
    }

    /// <summary>Kinds of episodes that are rewarded worse than the rest, worst first, with examples.</summary>
    /// <param name="limit">1…100.</param>
    public async Task<IReadOnlyList<LowRewardPattern>> LowPatternsAsync(
        string? agentId,
        MonitoringPeriod period,
        int limit,
        CancellationToken cancellationToken
    )
    {
        CheckLimit(limit, 100);
        var cells = await totals
            .SumAsync(agentId, period, TotalsBy.Model | TotalsBy.Intent | TotalsBy.Persona, cancellationToken)
            .ConfigureAwait(false);
        var patterns = new List<LowRewardPattern>();
        foreach (var low in LowRewardPatterns.Find(cells).Take(limit))
        {
            var (group, rest) = (low.Group, low.Rest);
            var examples = await totals.FindWorstAsync(agentId, period, group, ExamplesOfPattern, cancellationToken).ConfigureAwait(false);
            patterns.Add(
                new LowRewardPattern(
                    NamesOf(group),
                    group.Totals.Episodes,
                    group.Totals.Rewards,
                    Rounded(group.Totals.Mean)!.Value,
                    rest.Rewards,
                    Rounded(rest.Mean)!.Value,
                    Rounded(rest.Mean - group.Totals.Mean)!.Value,
                    Rounded(low.ShortfallAtLeast)!.Value,
                    examples
                )
            );
        }

        return patterns;
    }

    private async Task<RewardTotals> SumAsync(string? agentId, MonitoringPeriod period, CancellationToken cancellationToken) =>
        await totals.SumAsync(agentId, period, TotalsBy.None, cancellationToken).ConfigureAwait(false) is [var all]
            ? all.Totals
            : RewardTotals.Empty;

    private static void CheckLimit(int limit, int most)
    {
        if (limit < 1 || limit > most)
        {
            throw LightningException.Invalid($"limit must be from 1 to {most}, but it is {limit}.");
        }
    }

    private static RewardGroup Of(string key, RewardTotals sum) => new(key, sum.Episodes, sum.Failed, sum.Rewards, Rounded(sum.Mean));

    private static double? Rounded(double? value) => value is null ? null : Math.Round(value.Value, 6);

    private static string TextOf(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string WeekOf(DateOnly day)
    {
        var date = day.ToDateTime(default);
        return string.Create(CultureInfo.InvariantCulture, $"{ISOWeek.GetYear(date):0000}-W{ISOWeek.GetWeekOfYear(date):00}");
    }

    private static Dictionary<string, string> NamesOf(TotalsGroup group)
    {
        (string Name, string? Value)[] parts = [("intent", group.Intent), ("persona", group.Persona), ("model", group.Model)];
        return parts.Where(part => part.Value is not null).ToDictionary(part => part.Name, part => part.Value!);
    }
}
