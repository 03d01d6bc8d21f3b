using AgentLightning.Common;

namespace AgentLightning.Experiments;

/// <summary>A difference of candidate and control and its interval, which holds at every look together.</summary>
internal readonly record struct SeenDifference(double Value, double Low, double High)
{
    /// <summary>Candidate − control of two means.</summary>
    /// <param name="alpha">The chance that the interval ever misses.</param>
    /// <param name="effect">The size of a difference that is to be seen soonest.</param>
    public static SeenDifference Of(
        (double Mean, double Variance, long Count) candidate,
        (double Mean, double Variance, long Count) control,
        double alpha,
        double effect
    )
    {
        if (candidate.Count == 0 || control.Count == 0)
        {
            return new SeenDifference(0, double.NegativeInfinity, double.PositiveInfinity);
        }

        var spread = (candidate.Variance / candidate.Count) + (control.Variance / control.Count);
        var radius = ConfidenceSequence.OfDifference(1 / spread, ConfidenceSequence.PlannedFor(effect, alpha), alpha);
        var value = candidate.Mean - control.Mean;
        return new SeenDifference(value, value - radius, value + radius);
    }
}

/// <summary>What a guard sees of a candidate.</summary>
/// <param name="Name"><c>error_rate</c>, <c>reward</c>, <c>p95_latency</c> or <c>cost</c>.</param>
/// <param name="Control">The figure of the control.</param>
/// <param name="Candidate">The figure of the candidate.</param>
/// <param name="Excess">How much worse than tolerated it is for certain, in the guard's own measure; above 0 it trips.</param>
/// <param name="Reason">Why it tripped, or null.</param>
public sealed record GuardReading(string Name, double Control, double Candidate, double Excess, string? Reason)
{
    /// <summary>Whether the candidate must go.</summary>
    public bool Tripped => Reason is not null;
}

/// <summary>A candidate beside the control.</summary>
/// <param name="Difference">Of the metric: candidate − control.</param>
/// <param name="Low">The lower end of its interval, which holds at every look together; null while one side has no value.</param>
/// <param name="High">The upper end.</param>
/// <param name="Detectable">The smallest difference that so many values show with a chance of 80 %.</param>
public sealed record CandidateComparison(
    string Variant,
    double Difference,
    double? Low,
    double? High,
    double? Detectable,
    IReadOnlyList<GuardReading> Guards
);
