namespace AgentLightning.Models.Objectives.Sequences;

/// <summary>
/// REINFORCE with importance weights that are cut off ("cispo"; MiniMax, 2025): mean over all tokens of −min(r,
/// <paramref name="MostRatio"/>)·A·ln π, where the weight is held constant. No token loses its gradient.
/// </summary>
/// <param name="MostRatio">Greater than 0; 5 by default.</param>
/// <param name="Beta">The worth of staying near the reference (k3), 0 or more; 0 by default.</param>
/// <param name="EntropyBonus">The worth of staying undecided, 0 or more; 0 by default.</param>
/// <param name="LeastRatio">0 or more: a weight is at least so large; 0 by default.</param>
public sealed record TruncatedWeightLoss(double MostRatio = 5, double Beta = 0, double EntropyBonus = 0, double LeastRatio = 0)
    : ISequenceObjective
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
        var record = new PolicyMetrics(batch, metrics);
        double loss = 0;
        for (var t = 0; t < batch.Tokens; t++)
        {
            double logProbability = batch.LogProbabilities[t],
                advantage = batch.Advantages[t];
            var ratio = ClippedRatio.Of(logProbability - batch.OldLogProbabilities[t]);
            var weight = Math.Clamp(ratio, LeastRatio, MostRatio) * advantage;
            loss -= weight * logProbability / whole.Tokens;
            var gradient = -weight;
            if (Beta > 0)
            {
                var (divergence, slope) = KullbackLeibler.K3(logProbability, batch.ReferenceLogProbabilities[t]);
                loss += Beta * divergence / whole.Tokens;
                gradient += Beta * slope;
            }

            if (EntropyBonus > 0)
            {
                loss -= EntropyBonus * batch.Entropies[t] / whole.Tokens;
                gradients.Entropies[t] = (float)(-EntropyBonus / whole.Tokens);
            }

            gradients.LogProbabilities[t] = (float)(gradient / whole.Tokens);
            record.Add(ratio, (false, ratio > MostRatio && advantage > 0));
        }

        record.Write();
        return loss;
    }
}
