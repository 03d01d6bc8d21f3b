namespace AgentLightning.Models.Objectives.Sequences;

/// <summary>Sums over the tokens of a sequence.</summary>
internal static class SequenceSums
{
    public static double Sum(ReadOnlySpan<float> values, int from, int to)
    {
        double sum = 0;
        foreach (var value in values[from..to])
        {
            sum += value;
        }

        return sum;
    }

    /// <summary>Σ (a − b).</summary>
    public static double Difference(ReadOnlySpan<float> a, ReadOnlySpan<float> b, int from, int to)
    {
        double sum = 0;
        for (var t = from; t < to; t++)
        {
            sum += (double)a[t] - b[t];
        }

        return sum;
    }
}
