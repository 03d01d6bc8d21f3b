namespace AgentLightning.Models.Loops;

/// <summary>One sequence to learn from.</summary>
/// <param name="Tokens">At least two, and no more than the context of the model.</param>
/// <param name="LearnFrom">Index of the first token that is learned, at least 1; those before it are only read.</param>
/// <param name="Weight">How much it counts, 0 or more; 1 by default.</param>
/// <param name="Reward">How good it was, if that is known; it counts only once <see cref="RewardWeights.Apply"/> has made weights of
/// it.</param>
/// <param name="OnlyRead">Tokens after <paramref name="LearnFrom"/> that are not learned either, such as questions between answers: ranges
/// in order that do not touch. Null for none.</param>
public sealed record TokenExample(
    int[] Tokens,
    int LearnFrom,
    float Weight = 1,
    float? Reward = null,
    IReadOnlyList<Range>? OnlyRead = null
)
{
    /// <summary>Tokens that are learned.</summary>
    public int Targets
    {
        get
        {
            var targets = Tokens.Length - LearnFrom;
            for (var i = 0; i < OnlyRead?.Count; i++)
            {
                targets -= OnlyRead[i].End.Value - OnlyRead[i].Start.Value;
            }

            return targets;
        }
    }

    /// <summary>
    /// Whether the ranges lie in order between what is learned, so that something is learned before and after each but the last.
    /// </summary>
    internal bool IsInOrder
    {
        get
        {
            var from = LearnFrom;
            foreach (var range in OnlyRead ?? [])
            {
                if (range.Start.IsFromEnd || range.End.IsFromEnd || range.Start.Value <= from || range.End.Value <= range.Start.Value)
                {
                    return false;
                }

                from = range.End.Value;
            }

            return LearnFrom >= 1 && LearnFrom < Tokens.Length && from <= Tokens.Length;
        }
    }
}
