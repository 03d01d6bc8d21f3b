using System.Globalization;
using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;
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

/// <summary>Average rewards of a period of UTC days, both ends included.</summary>
/// <param name="AgentId">Null for all agents together, here and below.</param>
public sealed record RewardGroups(string? AgentId, DateOnly Start, DateOnly End, RewardGrouping By, IReadOnlyList<RewardGroup> Groups);

/// <summary>How many of the messages of a period got feedback.</summary>
/// <param name="SubmissionRate">0…1; 0 without episodes.</param>
/// <param name="SubmissionRatePct">The same in per cent.</param>
public sealed record FeedbackSubmission(
    string? AgentId,
    DateOnly Start,
    DateOnly End,
    long Episodes,
    long EpisodesWithFeedback,
    double SubmissionRate,
    double SubmissionRatePct
);

/// <summary>How the current rewards of a period spread over <see cref="RewardBands"/>.</summary>
public sealed record RewardDistribution(
    string? AgentId,
    DateOnly Start,
    DateOnly End,
    long Rewards,
    double? AverageReward,
    long Excellent,
    long Good,
    long Poor
);

/// <summary>Kinds of episodes that are rewarded worse than the rest, worst first.</summary>
public sealed record LowRewards(string? AgentId, DateOnly Start, DateOnly End, int PatternsFound, IReadOnlyList<LowRewardPattern> Patterns);

/// <summary>
/// Says how an agent is doing over a period, from totals that are exact and kept with the rows. The period goes from one UTC day to another
/// (<see cref="MonitoringPeriod.Parse"/>); who names no agent gets the figures of all that the scope is for, if that is one or all.
/// </summary>
public sealed class GetMonitoring(IRewardTotals totals, IFeedbackStore feedback, AgentDirectory agents, TimeProvider time) : IOperation
{
    private const int ExamplesOfPattern = 3;

    /// <summary>
    /// Average rewards by day and week in the order of time, by the others with the most episodes first; role read. An agent that there is
    /// not is <see cref="ErrorKind.NotFound"/>, here and below.
    /// </summary>
    /// <param name="by">A word of <see cref="RewardGrouping"/>.</param>
    /// <param name="limit">The most groups, 1…1,000; days and weeks are given whole.</param>
    public async Task<RewardGroups> GroupAsync(
        Scope scope,
        string? agentId,
        string? start,
        string? end,
        string by,
        int limit,
        CancellationToken cancellationToken
    )
    {
        scope.Require(Role.Read);
        var (agent, period) = await CheckAsync(scope, agentId, start, end, cancellationToken).ConfigureAwait(false);
        var grouping = EnumText.Parse<RewardGrouping>(by, "by");
        CheckLimit(limit, 1_000);
        var groups = await totals
            .SumAsync(
                agent,
                period,
                grouping switch
                {
                    RewardGrouping.Model => TotalsBy.Model,
                    RewardGrouping.Intent => TotalsBy.Intent,
                    RewardGrouping.Persona => TotalsBy.Persona,
                    _ => TotalsBy.Day,
                },
                cancellationToken
            )
            .ConfigureAwait(false);
        IReadOnlyList<RewardGroup> rows = grouping switch
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
        return new RewardGroups(agentId, period.Start, period.End, grouping, rows);
    }

    /// <summary>How many messages got feedback; role read.</summary>
    public async Task<FeedbackSubmission> SubmissionAsync(
        Scope scope,
        string? agentId,
        string? start,
        string? end,
        CancellationToken cancellationToken
    )
    {
        scope.Require(Role.Read);
        var (agent, period) = await CheckAsync(scope, agentId, start, end, cancellationToken).ConfigureAwait(false);
        var (episodes, answered) = await SubmissionAsync(agent, period, cancellationToken).ConfigureAwait(false);
        var rate = Rate(episodes, answered);
        return new FeedbackSubmission(
            agentId,
            period.Start,
            period.End,
            episodes,
            answered,
            Math.Round(rate, 6),
            Math.Round(rate * 100, 2)
        );
    }

    /// <summary>How many rewards are excellent, good and poor; role read.</summary>
    public async Task<RewardDistribution> DistributionAsync(
        Scope scope,
        string? agentId,
        string? start,
        string? end,
        CancellationToken cancellationToken
    )
    {
        scope.Require(Role.Read);
        var (agent, period) = await CheckAsync(scope, agentId, start, end, cancellationToken).ConfigureAwait(false);
        var sum = await SumAsync(agent, period, cancellationToken).ConfigureAwait(false);
        return new RewardDistribution(agentId, period.Start, period.End, sum.Rewards, Rounded(sum.Mean), sum.Excellent, sum.Good, sum.Poor);
    }

    /// <summary>Kinds of episodes that are rewarded worse than the rest, worst first, with examples; role read.</summary>
    /// <param name="limit">1…100.</param>
    public async Task<LowRewards> LowPatternsAsync(
        Scope scope,
        string? agentId,
        string? start,
        string? end,
        int limit,
        CancellationToken cancellationToken
    )
    {
        scope.Require(Role.Read);
        var (agent, period) = await CheckAsync(scope, agentId, start, end, cancellationToken).ConfigureAwait(false);
        CheckLimit(limit, 100);
        var cells = await totals
            .SumAsync(agent, period, TotalsBy.Model | TotalsBy.Intent | TotalsBy.Persona, cancellationToken)
            .ConfigureAwait(false);
        var patterns = new List<LowRewardPattern>();
        foreach (var low in LowRewardPatterns.Find(cells).Take(limit))
        {
            var (group, rest) = (low.Group, low.Rest);
            var examples = await totals.FindWorstAsync(agent, period, group, ExamplesOfPattern, cancellationToken).ConfigureAwait(false);
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
                    [.. examples.Select(id => agent is null ? id : EpisodeIds.Shown(scope, id, agent))]
                )
            );
        }

        return new LowRewards(agentId, period.Start, period.End, patterns.Count, patterns);
    }

    /// <summary>The episodes of a period, and those of them that were answered.</summary>
    internal async Task<(long Episodes, long Answered)> SubmissionAsync(
        string? agentId,
        MonitoringPeriod period,
        CancellationToken cancellationToken
    )
    {
        var answered = await feedback.CountMessagesAsync(agentId, period.Start, period.End, cancellationToken).ConfigureAwait(false);
        return ((await SumAsync(agentId, period, cancellationToken).ConfigureAwait(false)).Episodes, answered);
    }

    /// <summary>0…1; 0 without episodes.</summary>
    internal static double Rate(long episodes, long answered) => episodes == 0 ? 0 : Math.Min(1, (double)answered / episodes);

    private async Task<(string? Agent, MonitoringPeriod Period)> CheckAsync(
        Scope scope,
        string? agentId,
        string? start,
        string? end,
        CancellationToken cancellationToken
    )
    {
        var agent = scope.AgentOrAll(agentId);
        var period = MonitoringPeriod.Parse(start, end, time);
        await agents.CheckAsync(scope, agent, cancellationToken).ConfigureAwait(false);
        return (agent, period);
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
