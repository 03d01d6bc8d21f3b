namespace AgentLightning.Models.Objectives.Sequences;

/// <summary>
/// The family of GRPO (Shao et al., 2024): per token −min(r·A, clip(r)·A) + β·k3 − c·H, with r = π/μ, aggregated as
/// <paramref name="Aggregation"/> says.
/// </summary>
/// <param name="Aggregation">"grpo", "bnpo", "dr_grpo" or "dapo"; the last by default.</param>
/// <param name="ClipLow">How far the ratio may fall below 1, 0…1; 0.2 by default.</param>
/// <param name="ClipHigh">How far it may rise above 1, 0 or more; 0.2 by default, 0.28 in DAPO.</param>
/// <param name="MostRatio">Largest ratio that counts for a bad token, greater than 1 + <paramref name="ClipHigh"/>; infinite by
/// default.</param>
/// <param name="Beta">β, 0 or more: the worth of staying near the reference. 0 by default, and then no reference is needed.</param>
/// <param name="BySequence">One ratio per sequence, e^(mean of ln r over its tokens), instead of one per token ("gspo").</param>
/// <param name="EntropyBonus">c, 0 or more: the worth of staying undecided. 0 by default.</param>
public sealed record GroupPolicyLoss(
    TokenAggregation Aggregation = TokenAggregation.TokenMean,
    double ClipLow = 0.2,
    double ClipHigh = 0.2,
    double MostRatio = double.PositiveInfinity,
    double Beta = 0,
    bool BySequence = false,
    double EntropyBonus = 0
) : ISequenceObjective
{
    /// <inheritdoc/>
    public SequenceNeeds Needs =>
        SequenceNeeds.Old
        | SequenceNeeds.Advantages
        | (Beta > 0 ? SequenceNeeds.Reference : 0)
        | (EntropyBonus > 0 ? SequenceNeeds.Entropies : 0);

    /// <inheritdoc/>
    public double Evaluate(in SequenceBatch batch, UpdateSize whole, in SequenceGradients gradients, MetricSums metrics)
    {
        batch.Check(Needs);
        gradients.Clear();
        var clip = new ClippedRatio(ClipLow, ClipHigh, MostRatio);
        var record = new PolicyMetrics(batch, metrics);
        double loss = 0;
        for (var s = 0; s < batch.Sequences; s++)
        {
            var (from, to) = (batch.Starts[s], batch.Starts[s + 1]);
            if (from == to)
            {
                continue;
            }

            var weight = Aggregation.Weight(to - from, batch.Tokens, whole);
            var meanLogRatio = BySequence
                ? SequenceSums.Difference(batch.LogProbabilities, batch.OldLogProbabilities, from, to) / (to - from)
                : 0;
            double sequenceSlope = 0;
            for (var t = from; t < to; t++)
            {
                double logProbability = batch.LogProbabilities[t],
                    advantage = batch.Advantages[t];
                var ratio = ClippedRatio.Of(BySequence ? meanLogRatio : logProbability - batch.OldLogProbabilities[t]);
                var (surrogate, slope) = clip.Evaluate(ratio, advantage);
                loss += weight * surrogate;
                sequenceSlope += weight * slope;
                var gradient = BySequence ? 0 : weight * slope;
                if (Beta > 0)
                {
                    var (divergence, divergenceSlope) = KullbackLeibler.K3(logProbability, batch.ReferenceLogProbabilities[t]);
                    loss += weight * Beta * divergence;
                    gradient += weight * Beta * divergenceSlope;
                }

                if (EntropyBonus > 0)
                {
                    loss -= weight * EntropyBonus * batch.Entropies[t];
                    gradients.Entropies[t] = (float)(-weight * EntropyBonus);
                }

                gradients.LogProbabilities[t] = (float)gradient;
                record.Add(ratio, clip.IsClipped(ratio, advantage));
            }

            for (var t = from; t < to && BySequence; t++)
            {
                gradients.LogProbabilities[t] += (float)(sequenceSlope / (to - from));
            }
        }

        record.Write();
        return loss;
    }
}
