using AgentLightning.Common;

namespace AgentLightning.Evaluation;

/// <summary>A figure with its interval, of 95 % where nothing else is said.</summary>
/// <param name="N">Items it was measured on.</param>
public sealed record Measurement(string Metric, double Value, double Low, double High, int N);

/// <summary>Two policies on the same items.</summary>
/// <param name="Difference">Candidate − baseline, from paired resamples.</param>
/// <param name="PValue">The exact test of McNemar: how likely so uneven a split of the items that only one of the two got right is, if both
/// were equally good. With scores, of the items on which one of them was better.</param>
/// <param name="BaselineAccuracy">The share of right answers; with scores, their mean.</param>
public sealed record PairedComparison(
    Measurement Baseline,
    Measurement Candidate,
    Measurement Difference,
    double PValue,
    double BaselineAccuracy,
    double CandidateAccuracy
)
{
    /// <summary>The metric of labels.</summary>
    public const string MacroF1Metric = "macro_f1";

    private const int Resamples = 2_000;

    /// <summary>Compares labels by macro-F1, with intervals of 95 %.</summary>
    public static PairedComparison Of(
        IReadOnlyList<string> expected,
        IReadOnlyList<string> baseline,
        IReadOnlyList<string> candidate,
        int seed
    ) => Of(expected, baseline, candidate, seed, 0.05);

    /// <summary>
    /// Compares labels by macro-F1. Intervals are percentiles of 2,000 bootstrap resamples of the items (Efron 1979), both policies on the
    /// same resample; the seed fixes them. That of the difference is widened by <see cref="Widened"/>.
    /// </summary>
    /// <param name="alpha">The chance that an interval misses, both ends together, in (0, 1).</param>
    public static PairedComparison Of(
        IReadOnlyList<string> expected,
        IReadOnlyList<string> baseline,
        IReadOnlyList<string> candidate,
        int seed,
        double alpha
    )
    {
        var baselineReport = ClassificationReport.Of(expected, baseline);
        var candidateReport = ClassificationReport.Of(expected, candidate);
        string[] labels = [.. expected.Concat(baseline).Concat(candidate).Distinct(StringComparer.Ordinal)];
        var index = labels.Select((label, i) => (label, i)).ToDictionary(pair => pair.label, pair => pair.i, StringComparer.Ordinal);
        int[] e = [.. expected.Select(label => index[label])],
            b = [.. baseline.Select(label => index[label])],
            c = [.. candidate.Select(label => index[label])];
        var resampled = Resample(e.Length, seed, items => (MacroF1(e, b, items, labels.Length), MacroF1(e, c, items, labels.Length)));

        int onlyBaseline = 0,
            onlyCandidate = 0;
        for (var i = 0; i < e.Length; i++)
        {
            onlyBaseline += e[i] == b[i] && e[i] != c[i] ? 1 : 0;
            onlyCandidate += e[i] == c[i] && e[i] != b[i] ? 1 : 0;
        }

        return new PairedComparison(
            resampled.Baseline(MacroF1Metric, baselineReport.MacroF1, alpha),
            resampled.Candidate(MacroF1Metric, candidateReport.MacroF1, alpha),
            Widened(resampled.Difference(MacroF1Metric, candidateReport.MacroF1 - baselineReport.MacroF1, alpha), alpha),
            McNemar(onlyBaseline, onlyCandidate),
            baselineReport.Accuracy,
            candidateReport.Accuracy
        );
    }

    /// <summary>
    /// Compares scores by their means. The interval of the difference is Tango's (<see cref="PairedShares"/>) where all scores are 0 or 1,
    /// and otherwise of resamples, as for labels.
    /// </summary>
    /// <param name="baseline">One for each item, at least one.</param>
    /// <param name="candidate">For the same items.</param>
    public static PairedComparison OfScores(string metric, double[] baseline, double[] candidate, int seed, double alpha)
    {
        if (baseline.Length != candidate.Length || baseline.Length == 0)
        {
            throw new ArgumentException(
                $"There must be as many scores of the candidate as of the baseline, and at least one, but there are {candidate.Length} "
                    + $"and {baseline.Length}."
            );
        }

        var resampled = Resample(baseline.Length, seed, items => (Mean(baseline, items), Mean(candidate, items)));
        var (first, second) = (baseline.Average(), candidate.Average());
        int better = 0,
            worse = 0;
        for (var i = 0; i < baseline.Length; i++)
        {
            better += candidate[i] > baseline[i] ? 1 : 0;
            worse += candidate[i] < baseline[i] ? 1 : 0;
        }

        var difference = baseline.Concat(candidate).All(score => score is 0 or 1)
            ? PairedShares.Difference(metric, better, worse, baseline.Length, alpha)
            : Widened(resampled.Difference(metric, second - first, alpha), alpha);
        return new PairedComparison(
            resampled.Baseline(metric, first, alpha),
            resampled.Candidate(metric, second, alpha),
            difference,
            McNemar(worse, better),
            first,
            second
        );

        static double Mean(double[] scores, int[] items)
        {
            var sum = 0.0;
            foreach (var i in items)
            {
                sum += scores[i];
            }

            return sum / items.Length;
        }
    }

    /// <summary>
    /// McNemar's exact two-sided p-value: twice the smaller tail of Binomial(a + b, ½), at most 1, where a and b count the items that only
    /// one of the two got right.
    /// </summary>
    public static double McNemar(int onlyFirst, int onlySecond)
    {
        var n = onlyFirst + onlySecond;
        double logTerm = -n * Math.Log(2),
            tail = 0;
        for (var k = 0; k <= Math.Min(onlyFirst, onlySecond); k++)
        {
            tail += Math.Exp(logTerm);
            logTerm += Math.Log(n - k) - Math.Log(k + 1);
        }

        return Math.Min(1, 2 * tail);
    }

    /// <summary>
    /// What resamples cannot show: losses so rare that none is among the items. Of n items without any, z²/n may still be lost, as the
    /// score interval of a share says; it is added to each side as the second leg of a right angle, and so matters where items are few.
    /// </summary>
    private static Measurement Widened(Measurement difference, double alpha)
    {
        var unseen = Math.Pow(Distributions.NormalQuantileUpper(alpha / 2), 2) / difference.N;
        return difference with
        {
            Low = Math.Max(-1, difference.Value - Leg(difference.Value - difference.Low)),
            High = Math.Min(1, difference.Value + Leg(difference.High - difference.Value)),
        };

        double Leg(double side) => Math.Sqrt((side * side) + (unseen * unseen));
    }

    private static Resampled Resample(int count, int seed, Func<int[], (double Baseline, double Candidate)> measure)
    {
        var random = new Random(seed);
        var items = new int[count];
        double[] baselines = new double[Resamples],
            candidates = new double[Resamples],
            differences = new double[Resamples];
        for (var r = 0; r < Resamples; r++)
        {
            foreach (ref var item in items.AsSpan())
            {
                item = random.Next(count);
            }

            (baselines[r], candidates[r]) = measure(items);
            differences[r] = candidates[r] - baselines[r];
        }

        Array.Sort(baselines);
        Array.Sort(candidates);
        Array.Sort(differences);
        return new Resampled(baselines, candidates, differences, count);
    }

    private static double MacroF1(int[] expected, int[] given, int[] items, int labels)
    {
        var hit = labels <= 512 ? stackalloc int[labels] : new int[labels];
        var total = labels <= 512 ? stackalloc int[labels] : new int[labels];
        hit.Clear();
        total.Clear();
        foreach (var i in items)
        {
            total[expected[i]]++;
            total[given[i]]++;
            hit[expected[i]] += expected[i] == given[i] ? 1 : 0;
        }

        var sum = 0.0;
        var present = 0;
        for (var label = 0; label < labels; label++)
        {
            if (total[label] > 0)
            {
                sum += 2.0 * hit[label] / total[label];
                present++;
            }
        }

        return sum / present;
    }

    /// <summary>The figures of all resamples, in order.</summary>
    private sealed record Resampled(double[] Baselines, double[] Candidates, double[] Differences, int N)
    {
        public Measurement Baseline(string metric, double value, double alpha) => Interval(metric, value, Baselines, alpha);

        public Measurement Candidate(string metric, double value, double alpha) => Interval(metric, value, Candidates, alpha);

        public Measurement Difference(string metric, double value, double alpha) =>
            Interval($"{metric}_difference", value, Differences, alpha);

        private Measurement Interval(string metric, double value, double[] sorted, double alpha) =>
            new(
                metric,
                value,
                sorted[(int)(alpha / 2 * (Resamples - 1))],
                sorted[(int)Math.Ceiling((1 - (alpha / 2)) * (Resamples - 1))],
                N
            );
    }
}
