using System.Globalization;
using System.Text.Json.Serialization;
using AgentLightning.Access;
using AgentLightning.Episodes;
using AgentLightning.Feedback;
using AgentLightning.Rewards;

namespace AgentLightning.Monitoring;

/// <summary>
/// How many interactions there are and how they were rewarded, on the scale 0…1. Without rewards there is no least and no greatest.
/// </summary>
public sealed record InteractionStatistics(
    bool Enabled,
    long TotalInteractions,
    double AvgReward,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? MinReward,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? MaxReward
);

public sealed record FeedbackOfType(string FeedbackType, long Count, double AvgReward);

public sealed record FeedbackOfDay(string Date, long Count, double AvgReward);

/// <summary>Feedback of the last days, today included; what was superseded does not count.</summary>
/// <param name="ByType">The most frequent first.</param>
/// <param name="DailyTrends">Days with feedback, oldest first.</param>
public sealed record FeedbackStatistics(
    int PeriodDays,
    long TotalFeedback,
    double AvgReward,
    IReadOnlyList<FeedbackOfType> ByType,
    IReadOnlyList<FeedbackOfDay> DailyTrends,
    DateTimeOffset Timestamp
);

/// <summary>How rewards spread over <see cref="Common.RewardBands"/>.</summary>
public sealed record FeedbackDistribution(long Excellent, long Good, long Poor);

public sealed record FeedbackSummary(
    [property: JsonPropertyName("total_feedback_7d")] long TotalFeedback,
    [property: JsonPropertyName("avg_reward_7d")] double AvgReward,
    double SubmissionRatePct,
    FeedbackDistribution Distribution
);

/// <summary>How far something is from where learning from it begins to pay.</summary>
public sealed record GoalProgress(double Current, double Goal, double ProgressPct)
{
    internal static GoalProgress Of(double current, double goal) => new(current, goal, Math.Round(Math.Min(100, 100 * current / goal), 1));
}

public sealed record Phase2Progress(GoalProgress Interactions, GoalProgress Feedback, GoalProgress SubmissionRate);

public sealed record ChatDashboard(
    InteractionStatistics AgentLightning,
    FeedbackSummary FeedbackSummary,
    [property: JsonPropertyName("phase2_progress")] Phase2Progress Phase2Progress,
    DateTimeOffset Timestamp
);

/// <summary>The figures of a chat agent as its own dashboard shows them: rewards on the scale 0…1, to three decimals.</summary>
public sealed class GetDashboard(
    IEpisodeStore episodes,
    IRewardStore rewards,
    IFeedbackStore feedback,
    GetMonitoring monitoring,
    TimeProvider time
) : IOperation
{
    private const int DashboardDays = 7;
    private const double GoalOfInteractions = 1_000;
    private const double GoalOfFeedback = 200;
    private const double GoalOfSubmissionRatePct = 20;

    /// <summary>How many interactions there are, and how they were rewarded; role read.</summary>
    /// <param name="agentId">
    /// Null takes all agents together, or the one that the scope is for, here and below. One without interactions, also one that there is
    /// not, has figures of 0: a dashboard may be there before the first.
    /// </param>
    public Task<InteractionStatistics> InteractionsAsync(Scope scope, string? agentId, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        return InteractionsAsync(scope.AgentOrAll(agentId), cancellationToken);
    }

    /// <summary>Feedback of the last days by type and by day; role read.</summary>
    /// <param name="days">1…366, today included.</param>
    public Task<FeedbackStatistics> FeedbackAsync(Scope scope, string? agentId, int days, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        return FeedbackAsync(scope.AgentOrAll(agentId), days, cancellationToken);
    }

    /// <summary>Interactions, feedback of seven days, and how far both are from their goals; role read.</summary>
    public Task<ChatDashboard> DashboardAsync(Scope scope, string? agentId, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        return DashboardAsync(scope.AgentOrAll(agentId), cancellationToken);
    }

    private async Task<InteractionStatistics> InteractionsAsync(string? agentId, CancellationToken cancellationToken)
    {
        var total = await episodes.CountAsync(agentId, cancellationToken).ConfigureAwait(false);
        var range = await rewards.FindRangeAsync(agentId, cancellationToken).ConfigureAwait(false);
        var mean = range is null ? 0 : OnUnitScale((await rewards.SummariseAsync(agentId, cancellationToken).ConfigureAwait(false)).Mean);
        return new InteractionStatistics(
            true,
            total,
            mean,
            range is null ? null : OnUnitScale(range.Min),
            range is null ? null : OnUnitScale(range.Max)
        );
    }

    private async Task<FeedbackStatistics> FeedbackAsync(string? agentId, int days, CancellationToken cancellationToken)
    {
        var counts = await CountAsync(agentId, days, cancellationToken).ConfigureAwait(false);
        return new FeedbackStatistics(
            days,
            counts.Sum(count => count.Count),
            Average(counts),
            [
                .. counts
                    .GroupBy(count => count.FeedbackType)
                    .Select(type => new FeedbackOfType(type.Key, type.Sum(count => count.Count), Average(type)))
                    .OrderByDescending(type => type.Count)
                    .ThenBy(type => type.FeedbackType, StringComparer.Ordinal),
            ],
            [
                .. counts
                    .GroupBy(count => count.Day)
                    .OrderBy(day => day.Key)
                    .Select(day => new FeedbackOfDay(
                        day.Key.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                        day.Sum(count => count.Count),
                        Average(day)
                    )),
            ],
            time.GetUtcNow()
        );
    }

    private async Task<ChatDashboard> DashboardAsync(string? agentId, CancellationToken cancellationToken)
    {
        var interactions = await InteractionsAsync(agentId, cancellationToken).ConfigureAwait(false);
        var week = await CountAsync(agentId, DashboardDays, cancellationToken).ConfigureAwait(false);
        var (asked, answered) = await monitoring
            .SubmissionAsync(agentId, MonitoringPeriod.Last(DashboardDays, time), cancellationToken)
            .ConfigureAwait(false);
        var percent = Math.Round(GetMonitoring.Rate(asked, answered) * 100, 2);
        var (total, excellent, good) = (week.Sum(count => count.Count), week.Sum(count => count.Excellent), week.Sum(count => count.Good));
        var ever = await feedback.CountAsync(agentId, cancellationToken).ConfigureAwait(false);
        return new ChatDashboard(
            interactions,
            new FeedbackSummary(total, Average(week), percent, new FeedbackDistribution(excellent, good, total - excellent - good)),
            new Phase2Progress(
                GoalProgress.Of(interactions.TotalInteractions, GoalOfInteractions),
                GoalProgress.Of(ever, GoalOfFeedback),
                GoalProgress.Of(percent, GoalOfSubmissionRatePct)
            ),
            time.GetUtcNow()
        );
    }

    private Task<IReadOnlyList<FeedbackCount>> CountAsync(string? agentId, int days, CancellationToken cancellationToken)
    {
        var period = MonitoringPeriod.Last(days, time);
        return feedback.CountAsync(agentId, period.Start, period.End, cancellationToken);
    }

    private static double Average(IEnumerable<FeedbackCount> counts)
    {
        var (n, sum) = counts.Aggregate((N: 0L, Sum: 0.0), (all, count) => (all.N + count.Count, all.Sum + count.RewardSum));
        return n == 0 ? 0 : Math.Round(sum / n, 3);
    }

    private static double OnUnitScale(double canonical) => Math.Round(RewardScale.Unit.FromCanonical(canonical), 3);
}
