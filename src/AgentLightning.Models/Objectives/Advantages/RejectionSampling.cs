namespace AgentLightning.Models.Objectives.Advantages;

/// <summary>Weights of attempts for learning by example from the better ones.</summary>
public static class RejectionSampling
{
    /// <summary>1 for each attempt whose reward reaches the threshold, 0 for the others and for those without one.</summary>
    public static float[] Reaching(ReadOnlySpan<double> rewards, double threshold)
    {
        var weights = new float[rewards.Length];
        for (var i = 0; i < weights.Length; i++)
        {
            weights[i] = rewards[i] >= threshold ? 1 : 0;
        }

        return weights;
    }

    /// <summary>
    /// 1 for the best attempt of each group, the first of equals; 0 for the others. A group whose attempts are all equally good has none
    /// that is better.
    /// </summary>
    public static float[] BestOfGroup(ReadOnlySpan<double> rewards, ReadOnlySpan<int> groups)
    {
        var advantages = GroupAdvantages.Of(rewards, groups, AdvantageScale.None);
        var best = new Dictionary<int, int>();
        for (var i = 0; i < rewards.Length; i++)
        {
            if (advantages.IsUsed[i] && (!best.TryGetValue(groups[i], out var seen) || rewards[i] > rewards[seen]))
            {
                best[groups[i]] = i;
            }
        }

        var weights = new float[rewards.Length];
        foreach (var i in best.Values)
        {
            weights[i] = 1;
        }

        return weights;
    }

    /// <summary>
    /// min(e^(A/τ), most): better attempts count more, none without bound (advantage-weighted regression; Peng et al., 2019).
    /// </summary>
    public static float[] Exponential(ReadOnlySpan<float> advantages, double temperature, double most = 20)
    {
        var weights = new float[advantages.Length];
        for (var i = 0; i < weights.Length; i++)
        {
            weights[i] = (float)Math.Min(Math.Exp(advantages[i] / temperature), most);
        }

        return weights;
    }
}
