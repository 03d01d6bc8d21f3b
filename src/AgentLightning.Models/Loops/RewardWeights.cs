namespace AgentLightning.Models.Loops;

/// <summary>Weights of examples from their rewards, for learning by example from what was done.</summary>
public static class RewardWeights
{
    /// <summary>
    /// Multiplies the weight of each example by what its reward gives. Either all examples have a reward, or none; then they stay as they
    /// are.
    /// </summary>
    /// <exception cref="ArgumentException">Some have one and some have none, or it is not a number.</exception>
    public static IReadOnlyList<TokenExample> Apply(IReadOnlyList<TokenExample> examples, float temperature)
    {
        var without = examples.Count(example => example.Reward is null);
        if (without == examples.Count)
        {
            return examples;
        }

        if (without > 0)
        {
            throw new ArgumentException($"Of {examples.Count} examples {without} have no reward. Give all of them a reward, or none.");
        }

        var weights = Softmax([.. examples.Select(example => example.Reward!.Value)], temperature);
        return [.. examples.Zip(weights, (example, weight) => example with { Weight = example.Weight * weight })];
    }

    /// <summary>
    /// w = n · softmax(reward / temperature) (reward-weighted regression; Peters and Schaal, 2007): their mean is 1, so the learning rate
    /// means the same as without.
    /// </summary>
    /// <param name="temperature">Greater than 0; the smaller, the more only the best count.</param>
    public static float[] Softmax(IReadOnlyList<float> rewards, float temperature)
    {
        if (rewards.Count == 0 || temperature is not > 0 || !rewards.All(float.IsFinite))
        {
            throw new ArgumentException(
                $"There must be rewards that are numbers and a temperature above 0, but there are {rewards.Count} rewards, "
                    + $"{rewards.Count(reward => !float.IsFinite(reward))} of them not finite, and the temperature is {temperature}."
            );
        }

        var top = rewards.Max();
        double[] weights = [.. rewards.Select(reward => Math.Exp((reward - top) / temperature))];
        var sum = weights.Sum();
        return [.. weights.Select(weight => (float)(weights.Length * weight / sum))];
    }
}
