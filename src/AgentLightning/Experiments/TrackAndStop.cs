namespace AgentLightning.Experiments;

/// <summary>One arm as the figures show it.</summary>
/// <param name="Count">Values of the metric.</param>
public readonly record struct Arm(double Mean, double Variance, long Count);

/// <summary>
/// Finds the best of several with as few samples as can be (Garivier and Kaufmann 2016, "Optimal Best Arm Identification with Fixed
/// Confidence", for Gaussian arms of unknown variance): the shares that make the hardest comparison as sure as possible, and the test that
/// says when it is sure enough.
/// </summary>
/// <remarks>
/// The optimum needs no solver. With the leader's weight 1 and y the evidence that all comparisons have in common, a challenger's weight is
/// w_i(y) = σ_i² / (Δ_i²/y − σ_L²), which rises with y; the right y is where Σ w_i²/σ_i² = 1/σ_L² (the condition of Glynn and Juneja),
/// found by halving on (0, min Δ_i²/σ_L²). For two arms it is Neyman's allocation, w_i ∝ σ_i.
/// </remarks>
public static class TrackAndStop
{
    private const double LeastVariance = 1e-12;
    private const double LeastGap = 1e-3;

    /// <summary>The share of each arm; together 1, none below <paramref name="least"/>.</summary>
    /// <param name="arms">Two or more.</param>
    /// <param name="epsilon">How much worse than the best the winner may be.</param>
    public static double[] Shares(IReadOnlyList<Arm> arms, double epsilon, double least)
    {
        var leader = Leader(arms);
        double[] variances = [.. arms.Select(arm => Math.Max(arm.Variance, LeastVariance))];
        double[] gaps = [.. arms.Select(arm => Math.Pow(Math.Max(arms[leader].Mean - arm.Mean + epsilon, LeastGap), 2))];
        var most = gaps.Where((_, i) => i != leader).Min() / variances[leader];
        var (low, high) = (0.0, most);
        for (var step = 0; step < 200; step++)
        {
            var middle = (low + high) / 2;
            (low, high) = Excess(middle) < 0 ? (middle, high) : (low, middle);
        }

        double[] weights = [.. arms.Select((_, i) => i == leader ? 1 : Weight(i, low))];
        var sum = weights.Sum();
        return WithFloor([.. weights.Select(weight => weight / sum)], Math.Min(least, 1.0 / arms.Count));

        double Weight(int i, double y) => y <= 0 ? 0 : variances[i] / ((gaps[i] / y) - variances[leader]);

        double Excess(double y) =>
            Enumerable.Range(0, arms.Count).Where(i => i != leader).Sum(i => Math.Pow(Weight(i, y), 2) / variances[i])
            - (1 / variances[leader]);
    }

    /// <summary>
    /// The arm that is best beyond doubt, or null: the least likelihood ratio against a challenger,
    /// (μ_L − μ_i + ε)²/(2(σ_L²/n_L + σ_i²/n_i)), is above ln((1 + ln t)/δ).
    /// </summary>
    /// <param name="delta">The chance of a wrong arm.</param>
    public static int? Winner(IReadOnlyList<Arm> arms, double epsilon, double delta)
    {
        var leader = Leader(arms);
        var total = arms.Sum(arm => arm.Count);
        if (total < 2 || arms.Any(arm => arm.Count == 0))
        {
            return null;
        }

        var threshold = Math.Log((1 + Math.Log(total)) / delta);
        for (var i = 0; i < arms.Count; i++)
        {
            var gap = arms[leader].Mean - arms[i].Mean + epsilon;
            var spread = SpreadOf(arms[leader]) + SpreadOf(arms[i]);
            if (i != leader && gap * gap / (2 * spread) <= threshold)
            {
                return null;
            }
        }

        return leader;

        static double SpreadOf(Arm arm) => Math.Max(arm.Variance, LeastVariance) / arm.Count;
    }

    private static int Leader(IReadOnlyList<Arm> arms)
    {
        var leader = 0;
        for (var i = 1; i < arms.Count; i++)
        {
            leader = arms[i].Mean > arms[leader].Mean ? i : leader;
        }

        return leader;
    }

    private static double[] WithFloor(double[] shares, double least)
    {
        var free = 1 - (least * shares.Length);
        return [.. shares.Select(share => least + (free * share))];
    }
}
