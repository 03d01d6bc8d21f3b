using System.Globalization;
using AgentLightning.Deployments;

namespace AgentLightning.Experiments;

/// <summary>
/// What takes a candidate off though nobody looks: errors, rewards, latency and cost, each compared by a bound that holds at every look,
/// with a quarter of <see cref="ExperimentRules.GuardAlpha"/>.
/// </summary>
internal static class Guards
{
    /// <summary>Fewest values on both sides before a guard judges: below, the bounds are not yet what they say.</summary>
    public const int FewestValues = 30;

    public static IReadOnlyList<GuardReading> Read(ExperimentRules rules, VariantFigures control, VariantFigures candidate, int candidates)
    {
        var alpha = rules.GuardAlpha / (4 * candidates);
        return
        [
            Errors(rules.ErrorRise, control.Release, candidate.Release, alpha),
            Rewards(rules.RewardDrop, control.Release, candidate.Release, alpha),
            Latency(rules.LatencyRise, control.Latencies, candidate.Latencies, alpha),
            Cost(rules.CostRise, control, candidate, alpha),
        ];
    }

    private static GuardReading Errors(double tolerance, ReleaseFigures control, ReleaseFigures candidate, double alpha)
    {
        var rise = SeenDifference.Of(
            (candidate.ErrorRate, VariantFigures.OfShare(candidate.ErrorRate, candidate.Episodes), candidate.Episodes),
            (control.ErrorRate, VariantFigures.OfShare(control.ErrorRate, control.Episodes), control.Episodes),
            alpha,
            0.05
        );
        return Reading(
            "error_rate",
            control.ErrorRate,
            candidate.ErrorRate,
            Math.Min(control.Episodes, candidate.Episodes),
            rise.Low - tolerance,
            string.Create(
                CultureInfo.InvariantCulture,
                $"its share of failed episodes is {candidate.ErrorRate:0.000}, at least {rise.Low:0.000} above the "
                    + $"{control.ErrorRate:0.000} of the control, and {tolerance:0.000} is tolerated"
            )
        );
    }

    private static GuardReading Rewards(double tolerance, ReleaseFigures control, ReleaseFigures candidate, double alpha)
    {
        var (now, before) = (candidate.Rewards, control.Rewards);
        var rise = SeenDifference.Of(
            (now.Mean, VariantFigures.Smooth(now.Variance, now.Count), now.Count),
            (before.Mean, VariantFigures.Smooth(before.Variance, before.Count), before.Count),
            alpha,
            0.1
        );
        return Reading(
            "reward",
            before.Mean,
            now.Mean,
            Math.Min(now.Count, before.Count),
            -rise.High - tolerance,
            string.Create(
                CultureInfo.InvariantCulture,
                $"its mean reward is {now.Mean:0.000}, at least {-rise.High:0.000} below the {before.Mean:0.000} of the control, and "
                    + $"{tolerance:0.000} is tolerated"
            )
        );
    }

    /// <summary>
    /// The limit is the control's 95th percentile and what is tolerated above it. The candidate's is beyond the limit when more than 5 % of
    /// its episodes are, and the share that is beyond it is compared with the control's.
    /// </summary>
    private static GuardReading Latency(double tolerance, LatencyCounts control, LatencyCounts candidate, double alpha)
    {
        var (before, now) = (control.Percentile(0.95), candidate.Percentile(0.95));
        var limit = LatencyCounts.EdgeFrom(before * (1 + tolerance));
        var (slow, slowBefore) = (candidate.ShareFrom(limit), control.ShareFrom(limit));
        var rise = SeenDifference.Of(
            (slow, VariantFigures.OfShare(slow, candidate.Total), candidate.Total),
            (slowBefore, VariantFigures.OfShare(slowBefore, control.Total), control.Total),
            alpha,
            0.05
        );
        return Reading(
            "p95_latency",
            before,
            now,
            Math.Min(control.Total, candidate.Total),
            Math.Min(rise.Low, slow - 0.05),
            string.Create(
                CultureInfo.InvariantCulture,
                $"its 95th percentile of the latency is {now:0} ms, that of the control is {before:0} ms, and {slow:0.000} of its episodes "
                    + $"take {limit:0} ms and more, at least {rise.Low:0.000} more than the control's {slowBefore:0.000}"
            )
        );
    }

    private static GuardReading Cost(double tolerance, VariantFigures control, VariantFigures candidate, double alpha)
    {
        var limit = control.CostPerEpisode * (1 + tolerance);
        if (control.CostPerEpisode == 0)
        {
            return new GuardReading("cost", 0, candidate.CostPerEpisode, 0, null);
        }

        // In shares of the control's cost, so that the bound does not depend on the unit.
        var unit = control.CostPerEpisode;
        var rise = SeenDifference.Of(
            (candidate.CostPerEpisode / unit, Relative(candidate), candidate.Release.Episodes),
            (1 + tolerance, Relative(control) * Math.Pow(1 + tolerance, 2), control.Release.Episodes),
            alpha,
            0.25
        );
        return Reading(
            "cost",
            control.CostPerEpisode,
            candidate.CostPerEpisode,
            Math.Min(control.Release.Episodes, candidate.Release.Episodes),
            rise.Low,
            string.Create(
                CultureInfo.InvariantCulture,
                $"an episode of it costs {candidate.CostPerEpisode:0.####}, of the control {control.CostPerEpisode:0.####}, and "
                    + $"{limit:0.####} is tolerated"
            )
        );

        double Relative(VariantFigures figures) => Math.Max(figures.CostVariance / (unit * unit), 0.01);
    }

    private static GuardReading Reading(string name, double control, double candidate, long values, double excess, string reason) =>
        new(
            name,
            control,
            candidate,
            values < FewestValues || double.IsInfinity(excess) ? 0 : excess,
            values >= FewestValues && excess > 0 ? reason : null
        );
}
