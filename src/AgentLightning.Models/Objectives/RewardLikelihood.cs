namespace AgentLightning.Models.Objectives;

/// <summary>
/// Learning from rewards only, by likelihood: a reward says how sure it is that the answer was right, or wrong.
/// Loss = −r·ln π(a) for a good answer (r &gt; 0) and −|r|·ln(1 − π(a)) for a bad one. The right answer is never seen.
/// </summary>
/// <remarks>
/// The gradient is that of a policy, r·w·∇ ln π(a), with w = 1 for a good answer and π(a)/(1 − π(a)) for a bad one, so it is a policy
/// gradient whose weights come from the policy itself. Unlike <see cref="PolicyGradient"/> it does not ask how likely the answer was when
/// it was given, so old answers count as much as fresh ones, and a bad answer that is already unlikely stops pushing.
/// </remarks>
public sealed record RewardLikelihood : IObjective
{
    /// <inheritdoc/>
    public float Evaluate(ReadOnlySpan<float> logProbabilities, in Sample sample, Span<float> gradient)
    {
        var p = MathF.Exp(logProbabilities[sample.Action]);
        var rest = MathF.Max(1 - p, 1e-6f);
        // d −ln(1 − π(a)) = π(a)/(1 − π(a)) · d ln π(a)
        var strength = sample.Reward >= 0 ? sample.Reward : sample.Reward * p / rest;
        for (var c = 0; c < logProbabilities.Length; c++)
        {
            gradient[c] = strength * (MathF.Exp(logProbabilities[c]) - (c == sample.Action ? 1 : 0));
        }

        return sample.Reward >= 0 ? -sample.Reward * logProbabilities[sample.Action] : sample.Reward * MathF.Log(rest);
    }
}
