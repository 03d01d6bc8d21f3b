using AgentLightning.Common;

namespace AgentLightning.Evaluation;

/// <summary>
/// The difference of two shares on the same items, with the score interval of Tango (1998, "Equivalence test and confidence interval for
/// the difference in proportions for the paired-sample design"). It keeps its promise also where few items differ, or none: without any
/// difference among n items its ends are ±z²/(n + z²), and not 0.
/// </summary>
internal static class PairedShares
{
    /// <param name="better">Items that only the candidate got right.</param>
    /// <param name="worse">Items that only the baseline got right.</param>
    /// <param name="alpha">The chance that the interval misses, both ends together.</param>
    public static Measurement Difference(string metric, int better, int worse, int n, double alpha)
    {
        var z = Distributions.NormalQuantileUpper(alpha / 2);
        var value = (double)(better - worse) / n;
        return new Measurement(
            $"{metric}_difference",
            value,
            End(low: -1, high: value, delta => Score(better, worse, n, delta) > z),
            End(low: value, high: 1, delta => Score(better, worse, n, delta) > -z),
            n
        );
    }

    /// <summary>Where what holds at the lower end ceases to, by halving.</summary>
    private static double End(double low, double high, Func<double, bool> holds)
    {
        for (var step = 0; step < 60; step++)
        {
            var middle = (low + high) / 2;
            (low, high) = holds(middle) ? (middle, high) : (low, middle);
        }

        return (low + high) / 2;
    }

    /// <summary>How many standard deviations what was seen lies above a difference of delta. It falls with delta.</summary>
    private static double Score(int better, int worse, int n, double delta)
    {
        // The most likely chance that only the baseline is right, given delta: the root of a square equation.
        var a = 2.0 * n;
        var b = -better - worse + (((2.0 * n) - better + worse) * delta);
        var c = -worse * delta * (1 - delta);
        var q = (Math.Sqrt(Math.Max(0, (b * b) - (4 * a * c))) - b) / (2 * a);
        var variance = n * ((2 * q) + (delta * (1 - delta)));
        var above = better - worse - (n * delta);
        return variance <= 0 ? Math.Sign(above) * double.PositiveInfinity : above / Math.Sqrt(variance);
    }
}
