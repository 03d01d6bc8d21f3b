namespace AgentLightning.Models.Objectives.Advantages;

/// <summary>
/// Generalized advantage estimation (Schulman et al., 2015): δ = reward + γ·V(next) − V, A = δ + γ·λ·A(next), return = A + V; nothing comes
/// after the last token. Tokens that are only read are not there, so value and advantage reach over them.
/// </summary>
/// <param name="Discount">γ, 0…1; 1 by default.</param>
/// <param name="Lambda">λ, 0…1; 0.95 by default. 0 trusts the values, 1 what did come.</param>
public sealed record GeneralizedAdvantage(double Discount = 1, double Lambda = 0.95)
{
    /// <param name="starts">[sequences + 1]</param>
    /// <param name="rewards">Per token.</param>
    /// <param name="values">Per token.</param>
    /// <param name="advantages">Written, per token.</param>
    /// <param name="returns">Written, per token.</param>
    public void Compute(
        ReadOnlySpan<int> starts,
        ReadOnlySpan<float> rewards,
        ReadOnlySpan<float> values,
        Span<float> advantages,
        Span<float> returns
    )
    {
        for (var s = 0; s + 1 < starts.Length; s++)
        {
            double nextValue = 0,
                nextAdvantage = 0;
            for (var t = starts[s + 1] - 1; t >= starts[s]; t--)
            {
                var surprise = rewards[t] + (Discount * nextValue) - values[t];
                nextAdvantage = surprise + (Discount * Lambda * nextAdvantage);
                nextValue = values[t];
                advantages[t] = (float)nextAdvantage;
                returns[t] = (float)(nextAdvantage + nextValue);
            }
        }
    }
}
