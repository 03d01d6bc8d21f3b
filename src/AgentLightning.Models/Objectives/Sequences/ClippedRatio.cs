namespace AgentLightning.Models.Objectives.Sequences;

/// <summary>
/// The clipped surrogate of one ratio (PPO; Schulman et al., 2017): −min(min(r, Most)·A, clip(r, 1 − Low, 1 + High)·A) with r = π/μ, and
/// for a bad token no more than what <paramref name="Most"/> allows, which bounds the other side (two-sided clip).
/// </summary>
/// <param name="Low">How far below 1 the ratio may go, 0…1.</param>
/// <param name="High">How far above 1.</param>
/// <param name="Most">Greater than 1 + <paramref name="High"/>; infinite for none.</param>
internal readonly record struct ClippedRatio(double Low, double High, double Most = double.PositiveInfinity)
{
    /// <summary>Beyond it a ratio says only that the policies have nothing to do with each other, and e^x would overflow.</summary>
    private const double MostLogRatio = 20;

    public static double Of(double logRatio) => Math.Exp(Math.Clamp(logRatio, -MostLogRatio, MostLogRatio));

    /// <returns>The loss, and its derivative by ln r.</returns>
    public (double Loss, double Slope) Evaluate(double ratio, double advantage)
    {
        var free = Math.Min(ratio, Most) * advantage;
        var clipped = Math.Clamp(ratio, 1 - Low, 1 + High) * advantage;
        var freeSlope = ratio <= Most ? ratio * advantage : 0;
        var clippedSlope = IsInside(ratio) ? ratio * advantage : 0;
        return free < clipped ? (-free, -freeSlope)
            : clipped < free ? (-clipped, -clippedSlope)
            : (-free, -(freeSlope + clippedSlope) / 2);
    }

    /// <summary>Whether clipping took the gradient away, by the lower or the upper bound.</summary>
    public (bool Low, bool High) IsClipped(double ratio, double advantage) =>
        (ratio < 1 - Low && advantage < 0, ratio > 1 + High && advantage > 0);

    private bool IsInside(double ratio) => ratio >= 1 - Low && ratio <= 1 + High;
}
