namespace AgentLightning.Triage;

/// <summary>Small arithmetic on log-probabilities.</summary>
internal static class LogProbabilities
{
    /// <summary>Scores → log-probabilities, in place: z − ln Σ exp z.</summary>
    public static void Normalise(Span<float> scores)
    {
        var max = float.NegativeInfinity;
        foreach (var z in scores)
        {
            max = MathF.Max(max, z);
        }

        var sum = 0f;
        foreach (var z in scores)
        {
            sum += MathF.Exp(z - max);
        }

        foreach (ref var z in scores)
        {
            z -= max + MathF.Log(sum);
        }
    }
}
