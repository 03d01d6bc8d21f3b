using System.Globalization;
using AgentLightning.Common;

namespace AgentLightning.Experiments;

/// <summary>
/// Reads the figures of an experiment by its rules. It is a function of what it is given: it may be asked at any time, and as often as one
/// likes, without the chance of a mistake becoming larger.
/// </summary>
public static class ExperimentAnalysis
{
    /// <summary>Below this the split is not believed to be one of chance.</summary>
    private const double Mismatch = 0.0005;

    /// <summary>With 80 % chance a normal value is below this.</summary>
    private const double Power = 0.8416;

    private const double LeastChange = 0.05;

    /// <param name="variants">In the order of the experiment's.</param>
    /// <param name="exposures">All of its phases.</param>
    public static ExperimentReport Of(
        Experiment experiment,
        IReadOnlyList<VariantFigures> variants,
        IReadOnlyList<ExposureCount> exposures,
        DateTimeOffset now
    )
    {
        var comparisons = variants.Skip(1).Select(candidate => Compare(experiment, variants[0], candidate)).ToList();
        var ratio = RatioOf(exposures);
        return new ExperimentReport(
            experiment,
            variants,
            comparisons,
            ratio,
            Decide(new Situation(experiment, variants, comparisons, ratio, now))
        );
    }

    private static CandidateComparison Compare(Experiment experiment, VariantFigures control, VariantFigures candidate)
    {
        var (rules, candidates) = (experiment.Rules, experiment.Variants.Count - 1);
        var difference = SeenDifference.Of(
            (candidate.MetricMean, candidate.MetricVariance, candidate.MetricCount),
            (control.MetricMean, control.MetricVariance, control.MetricCount),
            rules.Alpha / candidates,
            0.1
        );
        var known = double.IsFinite(difference.Low);
        var spread = known ? (candidate.MetricVariance / candidate.MetricCount) + (control.MetricVariance / control.MetricCount) : 0;
        return new CandidateComparison(
            candidate.Variant.Name,
            difference.Value,
            known ? difference.Low : null,
            known ? difference.High : null,
            known ? difference.High - difference.Value + (Power * Math.Sqrt(spread)) : null,
            Guards.Read(rules, control, candidate, candidates)
        );
    }

    private static SampleRatio RatioOf(IReadOnlyList<ExposureCount> exposures)
    {
        var (sum, degrees) = (0.0, 0);
        foreach (var phase in exposures.GroupBy(count => count.Phase))
        {
            var total = phase.Sum(count => count.Sessions);
            // The approximation by chi-square is good from five expected in each cell on.
            if (phase.All(count => count.Share * total >= 5))
            {
                sum += phase.Sum(count => Math.Pow(count.Sessions - (count.Share * total), 2) / (count.Share * total));
                degrees += phase.Count() - 1;
            }
        }

        var p = Distributions.ChiSquareUpper(sum, degrees);
        return new SampleRatio(p, p < Mismatch);
    }

    private static ExperimentDecision Decide(Situation now)
    {
        var tripped = now.Live.Where(candidate => candidate.Guards.Any(guard => guard.Tripped)).ToList();
        if (now.Live.Count == tripped.Count)
        {
            return tripped.Count == 0
                ? new ExperimentDecision(ExperimentAction.Stop, "no candidate is left")
                : new ExperimentDecision(ExperimentAction.RollBack, string.Join("; ", tripped.Select(ReasonOf)));
        }

        if (tripped.Count > 0)
        {
            return Without(now, tripped);
        }

        var late = now.At - now.Experiment.StartedAt >= TimeSpan.FromDays(now.Rules.MostDays);
        return (now.Rules.Design == ExperimentDesign.TrackAndStop ? Tracked(now) : Split(now))
            ?? (
                late
                    ? new ExperimentDecision(
                        ExperimentAction.Stop,
                        Invariant($"after {now.Rules.MostDays:0.##} days nothing is certain: {Seen(now)}")
                    )
                    : Onward(now)
            );

        static string ReasonOf(CandidateComparison candidate) =>
            $"{candidate.Variant}: {string.Join(", and ", candidate.Guards.Where(guard => guard.Tripped).Select(guard => guard.Reason))}";
    }

    /// <summary>What ends a split; null when nothing does.</summary>
    private static ExperimentDecision? Split(Situation now)
    {
        if (!now.Enough(now.Rules.MinimumSamples))
        {
            return null;
        }

        if (now.Live.All(candidate => candidate.High < Math.Min(0, now.Rules.MinimumEffect)))
        {
            return new ExperimentDecision(ExperimentAction.RollBack, $"it is worse: {Seen(now)}");
        }

        var best = now.Live.Where(candidate => candidate.Low > now.Rules.MinimumEffect).MaxBy(candidate => candidate.Difference);
        return best is null ? null : Won(now, best.Variant, Seen(now));
    }

    /// <summary>What ends an adaptive experiment; null when nothing does.</summary>
    private static ExperimentDecision? Tracked(Situation now)
    {
        if (!now.Enough(now.Rules.MinimumSamples))
        {
            return null;
        }

        var arms = now.Arms;
        if (TrackAndStop.Winner([.. arms.Select(arm => arm.Arm)], now.Rules.Epsilon, now.Rules.Alpha) is not { } index)
        {
            return null;
        }

        var winner = arms[index].Name;
        return winner == ExperimentVariant.Control
            ? new ExperimentDecision(ExperimentAction.Stop, $"the control is best: {Seen(now)}", winner)
            : Won(now, winner, Seen(now));
    }

    private static ExperimentDecision Won(Situation now, string variant, string seen)
    {
        if (now.Ratio.Mismatch)
        {
            return new ExperimentDecision(
                ExperimentAction.Wait,
                Invariant($"{variant} would win, but the sessions did not come as the shares say (p = {now.Ratio.PValue:0.#####}): ")
                    + "find out where sessions of one side are lost, and start again"
            );
        }

        return now.Rules.PromoteWinner
            ? new ExperimentDecision(ExperimentAction.Promote, $"{variant} is better: {seen}", variant)
            : new ExperimentDecision(
                ExperimentAction.Wait,
                $"{variant} has won ({seen}); promote it with 'lightning experiment stop --promote {variant}'",
                variant
            );
    }

    /// <summary>The next step, or the next shares; otherwise the wait.</summary>
    private static ExperimentDecision Onward(Situation now)
    {
        if (now.Rules.Design == ExperimentDesign.TrackAndStop)
        {
            return Track(now);
        }

        var step = now.Rules.Steps.Select(percent => percent / 100).FirstOrDefault(share => share > now.CandidateShare + 1e-9);
        return
            step > 0 && now.Enough((long)now.Rules.MinimumSamples * now.Experiment.Phase) && now.Live.All(candidate => candidate.High >= 0)
            ? new ExperimentDecision(
                ExperimentAction.ChangeShares,
                Invariant($"nothing is worse so far; the candidates get {step:0.##%} of the sessions"),
                Shares: SharesOf(now, step)
            )
            : new ExperimentDecision(ExperimentAction.Wait, Seen(now));
    }

    private static ExperimentDecision Track(Situation now)
    {
        var arms = now.Arms;
        var shares = now.Enough(now.Rules.MinimumSamples)
            ? TrackAndStop.Shares([.. arms.Select(arm => arm.Arm)], now.Rules.Epsilon, now.Rules.LeastShare)
            : [.. arms.Select(_ => 1.0 / arms.Count)];
        var wanted = arms.Select((arm, i) => (arm.Name, Share: shares[i])).ToDictionary(arm => arm.Name, arm => arm.Share);
        var change = now.Experiment.Variants.Max(variant => Math.Abs(variant.Share - wanted.GetValueOrDefault(variant.Name)));
        return change > LeastChange
            ? new ExperimentDecision(ExperimentAction.ChangeShares, $"the shares follow the figures: {Seen(now)}", Shares: wanted)
            : new ExperimentDecision(ExperimentAction.Wait, Seen(now));
    }

    /// <summary>Takes candidates out; the others share what they had.</summary>
    private static ExperimentDecision Without(Situation now, List<CandidateComparison> tripped)
    {
        var gone = tripped.Select(candidate => candidate.Variant).ToHashSet();
        var left = now.Experiment.Variants.Where(variant => !gone.Contains(variant.Name)).Sum(variant => variant.Share);
        return new ExperimentDecision(
            ExperimentAction.ChangeShares,
            $"{string.Join(" and ", gone)} is out, because a guard tripped",
            Shares: now.Experiment.Variants.Where(variant => !gone.Contains(variant.Name))
                .ToDictionary(variant => variant.Name, variant => variant.Share / left)
        );
    }

    private static Dictionary<string, double> SharesOf(Situation now, double candidates) =>
        now
            .Live.Select(candidate => (candidate.Variant, Share: candidates / now.Live.Count))
            .Append((Variant: ExperimentVariant.Control, Share: 1 - candidates))
            .ToDictionary(share => share.Variant, share => share.Share);

    private static string Seen(Situation now) =>
        string.Join(
            "; ",
            now.Live.Select(candidate =>
                candidate.Low is null
                    ? $"{candidate.Variant} has no figures yet"
                    : Invariant(
                        $"{candidate.Variant} {candidate.Difference:+0.000;-0.000} [{candidate.Low:+0.000;-0.000}, {Upper(candidate)}]"
                    ) + Invariant($" {EnumText.Of(now.Rules.Metric)}; so many values show {candidate.Detectable:0.000} and more")
            )
        );

    private static string Upper(CandidateComparison candidate) => Invariant($"{candidate.High:+0.000;-0.000}");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>All that a decision looks at.</summary>
    private sealed record Situation(
        Experiment Experiment,
        IReadOnlyList<VariantFigures> Variants,
        IReadOnlyList<CandidateComparison> Comparisons,
        SampleRatio Ratio,
        DateTimeOffset At
    )
    {
        public ExperimentRules Rules => Experiment.Rules;

        /// <summary>The candidates that no guard has taken out.</summary>
        public IReadOnlyList<CandidateComparison> Live { get; } = [.. Comparisons.Where((_, i) => Experiment.Variants[i + 1].Share > 0)];

        public double CandidateShare => Experiment.Variants.Skip(1).Sum(variant => variant.Share);

        /// <summary>The control and the live candidates.</summary>
        public IReadOnlyList<(string Name, Arm Arm)> Arms =>
            [
                .. Variants
                    .Where((figures, i) => i == 0 || Experiment.Variants[i].Share > 0)
                    .Select(figures => (figures.Variant.Name, new Arm(figures.MetricMean, figures.MetricVariance, figures.MetricCount))),
            ];

        public bool Enough(long samples) => Arms.All(arm => arm.Arm.Count >= samples);
    }
}
