namespace AgentLightning.Models.Objectives;

/// <summary>
/// Learning from rewards only: loss = −w·(r − b)·ln π(a) − β·H(π), where w = min(π(a)/μ(a), <see cref="WeightLimit"/>) is held constant
/// (REINFORCE with truncated importance weights: Williams 1992; Ionides 2008), b is a baseline and H the entropy.
/// The right answer is never seen: a rewarded answer becomes more likely, a punished one less.
/// </summary>
/// <param name="Baseline">b, −1…1: the reward that counts as neither good nor bad. 0 by default.</param>
/// <param name="WeightLimit">Largest importance weight, greater than 0; 1 by default, so that an old answer never counts more than a fresh
/// one.</param>
/// <param name="EntropyBonus">β, 0 or more: how much staying undecided is worth. 0 by default.</param>
public sealed record PolicyGradient(float Baseline = 0f, float WeightLimit = 1f, float EntropyBonus = 0f) : IObjective
{
    /// <inheritdoc/>
    public float Evaluate(ReadOnlySpan<float> logProbabilities, in Sample sample, Span<float> gradient)
    {
        var weight = MathF.Min(MathF.Exp(MathF.Min(logProbabilities[sample.Action] - sample.LogProbability, 20f)), WeightLimit);
        var strength = weight * (sample.Reward - Baseline);
        var entropy = 0f;
        foreach (var logP in logProbabilities)
        {
            entropy -= MathF.Exp(logP) * logP;
        }

        for (var c = 0; c < logProbabilities.Length; c++)
        {
            var p = MathF.Exp(logProbabilities[c]);
            gradient[c] = (strength * (p - (c == sample.Action ? 1 : 0))) + (EntropyBonus * p * (logProbabilities[c] + entropy));
        }

        return (-strength * logProbabilities[sample.Action]) - (EntropyBonus * entropy);
    }
}
