namespace AgentLightning.Common;

/// <summary>
/// Bounds around a mean, or a difference of two, that hold at every look together: whoever looks again and again is wrong with no more than
/// the chance that was named, however often. The asymptotic form of Waudby-Smith et al., "Time-uniform central limit theory and asymptotic
/// confidence sequences": √((I+η)·ln((I+η)/(ηα²)))/I, where I is the information, one over the variance of the estimate, and η says at
/// which information the bound is tightest.
/// </summary>
public static class ConfidenceSequence
{
    /// <summary>
    /// Half the width around a mean of <paramref name="n"/> values. It is tight from ten on; the variance has a floor of 0.01, since a few
    /// equal values prove little.
    /// </summary>
    public static double OfMean(long n, double variance, double alpha)
    {
        var v = Math.Max(variance, 0.01);
        return Radius(n / v, 10 / (Share(alpha) * v * v), alpha);
    }

    /// <summary>Half the width around an estimate.</summary>
    /// <param name="information">One over the variance of the estimate; above 0.</param>
    /// <param name="planned">The information at which the bound is to be tightest; above 0.</param>
    /// <param name="alpha">The chance that any of the looks is wrong, in (0, 1).</param>
    public static double OfDifference(double information, double planned, double alpha) =>
        information <= 0 ? double.PositiveInfinity : Radius(information, planned / Share(alpha), alpha);

    /// <summary>
    /// The information at which a difference of <paramref name="effect"/> is about to be seen: the <c>planned</c> of a bound that is to see
    /// it soonest.
    /// </summary>
    public static double PlannedFor(double effect, double alpha) => Share(alpha) / (effect * effect);

    private static double Share(double alpha)
    {
        var log = -2 * Math.Log(alpha);
        return log + Math.Log(log) + 1;
    }

    private static double Radius(double information, double eta, double alpha)
    {
        var sum = information + eta;
        return Math.Sqrt(sum * Math.Log(sum / (eta * alpha * alpha))) / information;
    }
}
