namespace AgentLightning.Models.Objectives.Sequences;

/// <summary>σ(x) = 1 / (1 + e^−x), without overflow.</summary>
internal static class Logistic
{
    public static double Value(double x) => x >= 0 ? 1 / (1 + Math.Exp(-x)) : Math.Exp(x) / (1 + Math.Exp(x));

    public static double Log(double x) => Math.Min(x, 0) - Math.Log(1 + Math.Exp(-Math.Abs(x)));

    public static double Slope(double x) => Value(x) * Value(-x);
}
