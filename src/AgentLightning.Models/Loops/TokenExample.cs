namespace AgentLightning.Models.Loops;

/// <summary>One sequence to learn from.</summary>
/// <param name="Tokens">At least two, and no more than the context of the model.</param>
/// <param name="LearnFrom">Index of the first token that is learned, at least 1; those before it are only read.</param>
/// <param name="Weight">How much it counts, 0 or more; 1 by default.</param>
/// <param name="Reward">How good it was, if that is known; it counts only once <see cref="RewardWeights.Apply"/> has made weights of it.</param>
public sealed record TokenExample(int[] Tokens, int LearnFrom, float Weight = 1, float? Reward = null)
{
    /// <summary>Tokens that are learned.</summary>
    public int Targets => Tokens.Length - LearnFrom;
}
