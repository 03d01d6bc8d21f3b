namespace AgentLightning.Models.Objectives.Advantages;

/// <summary>What comes from each token on (REINFORCE++; Hu, 2025), and its scaling over a whole batch.</summary>
public static class ReturnsToGo
{
    private const double Epsilon = 1e-8;

    /// <summary>return = reward + γ · return(next), within each sequence.</summary>
    public static void Compute(ReadOnlySpan<int> starts, ReadOnlySpan<float> rewards, double discount, Span<float> returns)
    {
        for (var s = 0; s + 1 < starts.Length; s++)
        {
            double next = 0;
            for (var t = starts[s + 1] - 1; t >= starts[s]; t--)
            {
                next = rewards[t] + (discount * next);
                returns[t] = (float)next;
            }
        }
    }

    /// <summary>(x − mean) / √(variance + 1e-8) over all tokens, with n − 1 below; one alone becomes 0.</summary>
    public static void Whiten(Span<float> values)
    {
        double sum = 0,
            squares = 0;
        foreach (var value in values)
        {
            sum += value;
        }

        var mean = values.IsEmpty ? 0 : sum / values.Length;
        foreach (var value in values)
        {
            squares += (value - mean) * (value - mean);
        }

        var scale = 1 / Math.Sqrt((squares / Math.Max(values.Length - 1, 1)) + Epsilon);
        foreach (ref var value in values)
        {
            value = (float)((value - mean) * scale);
        }
    }

    /// <summary>
    /// Rewards of tokens: the score of the sequence at its last token, and at every token −<paramref name="beta"/>·(ln μ − ln ρ), what it
    /// costs to leave the reference.
    /// </summary>
    /// <param name="reference">Per token, or empty for no such cost.</param>
    public static void TokenRewards(
        ReadOnlySpan<int> starts,
        ReadOnlySpan<float> scores,
        ReadOnlySpan<float> old,
        ReadOnlySpan<float> reference,
        double beta,
        Span<float> rewards
    )
    {
        for (var s = 0; s + 1 < starts.Length; s++)
        {
            for (var t = starts[s]; t < starts[s + 1]; t++)
            {
                var cost = reference.IsEmpty ? 0 : beta * Sequences.KullbackLeibler.K1(old[t], reference[t]);
                rewards[t] = (float)((t == starts[s + 1] - 1 ? scores[s] : 0) - cost);
            }
        }
    }
}
