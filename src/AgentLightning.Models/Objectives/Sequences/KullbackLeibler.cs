namespace AgentLightning.Models.Objectives.Sequences;

/// <summary>Estimates of KL(π‖ρ) from one token that π drew (Schulman, 2020).</summary>
internal static class KullbackLeibler
{
    /// <summary>k3 = ρ/π − ln(ρ/π) − 1: never negative, and of low variance.</summary>
    /// <returns>The estimate, and its derivative by ln π.</returns>
    public static (double Value, double Slope) K3(double logProbability, double reference)
    {
        var difference = Math.Clamp(reference - logProbability, -20, 20);
        var ratio = Math.Exp(difference);
        return (ratio - difference - 1, 1 - ratio);
    }

    /// <summary>k1 = ln(π/ρ): without bias as a reward.</summary>
    public static double K1(double logProbability, double reference) => logProbability - reference;
}
