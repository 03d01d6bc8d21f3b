namespace AgentLightning.Evaluation;

/// <summary>A figure with its 95 % interval.</summary>
/// <param name="N">Items it was measured on.</param>
public sealed record Measurement(string Metric, double Value, double Low, double High, int N);

/// <summary>Two policies on the same items.</summary>
/// <param name="Difference">Candidate − baseline, from paired resamples.</param>
/// <param name="PValue">McNemar's exact test: how likely so uneven a split of the items that only one of the two got right is, if both were
/// equally good.</param>
public sealed record PairedComparison(
    Measurement Baseline,
    Measurement Candidate,
    Measurement Difference,
    double PValue,
    double BaselineAccuracy,
    double CandidateAccuracy
)
{
    private const int Resamples = 2_000;

    /// <summary>
    /// Compares by macro-F1. Intervals are percentiles of 2,000 bootstrap resamples of the items (Efron 1979), both policies on the same
    /// resample; the seed fixes them.
    /// </summary>
    public static PairedComparison Of(
        IReadOnlyList<string> expected,
        IReadOnlyList<string> baseline,
        IReadOnlyList<string> candidate,
        int seed
    )
    {
        var baselineReport = ClassificationReport.Of(expected, baseline);
        var candidateReport = ClassificationReport.Of(expected, candidate);
        string[] labels = [.. expected.Concat(baseline).Concat(candidate).Distinct(StringComparer.Ordinal)];
        var index = labels.Select((label, i) => (label, i)).ToDictionary(pair => pair.label, pair => pair.i, StringComparer.Ordinal);
        int[] e = [.. expected.Select(label => index[label])],
            b = [.. baseline.Select(label => index[label])],
            c = [.. candidate.Select(label => index[label])];

        var random = new Random(seed);
        var items = new int[e.Length];
        double[] baselines = new double[Resamples],
            candidates = new double[Resamples],
            differences = new double[Resamples];
        for (var r = 0; r < Resamples; r++)
        {
            foreach (ref var item in items.AsSpan())
            {
                item = random.Next(e.Length);
            }

            baselines[r] = MacroF1(e, b, items, labels.Length);
            candidates[r] = MacroF1(e, c, items, labels.Length);
            differences[r] = candidates[r] - baselines[r];
        }

        int onlyBaseline = 0,
            onlyCandidate = 0;
        for (var i = 0; i < e.Length; i++)
        {
            onlyBaseline += e[i] == b[i] && e[i] != c[i] ? 1 : 0;
            onlyCandidate += e[i] == c[i] && e[i] != b[i] ? 1 : 0;
        }

        return new PairedComparison(
            Interval("macro_f1", baselineReport.MacroF1, baselines, e.Length),
            Interval("macro_f1", candidateReport.MacroF1, candidates, e.Length),
            Interval("macro_f1_difference", candidateReport.MacroF1 - baselineReport.MacroF1, differences, e.Length),
            McNemar(onlyBaseline, onlyCandidate),
            baselineReport.Accuracy,
            candidateReport.Accuracy
        );
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

    private static Measurement Interval(string metric, double value, double[] resampled, int n)
    {
        Array.Sort(resampled);
        return new Measurement(
            metric,
            value,
            resampled[(int)(0.025 * (Resamples - 1))],
            resampled[(int)Math.Ceiling(0.975 * (Resamples - 1))],
            n
        );
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
}
