namespace AgentLightning.Common;

/// <summary>From where on rewards are called excellent and good, on the canonical scale −1…1; the others are poor.</summary>
public static class RewardBands
{
    /// <summary>0.8 and more on the scale 0…1.</summary>
    public const double Excellent = 0.6;

    /// <summary>0.5 and more on the scale 0…1.</summary>
    public const double Good = 0;

    /// <summary>The same on the scale 0…1.</summary>
    public static double OnUnitScale(double band) => (band + 1) / 2;
}
