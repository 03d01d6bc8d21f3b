namespace AgentLightning.Models.Objectives.Sequences;

/// <summary>
/// A whole sequence as one action (RLOO; Ahmadian et al., 2024): mean over sequences of −min(r·A, clip(r)·A) with r = e^(Σ ln π − Σ ln μ).
/// The advantage is that of the sequence's first token; all its tokens have the same.
/// </summary>
/// <param name="Clip">How far the ratio may leave 1, 0…1; 0.2 by default.</param>
/// <param name="EntropyBonus">The worth of staying undecided, per sequence as the mean over its tokens, 0 or more; 0 by default.</param>
public sealed record SequenceRatioLoss(double Clip = 0.2, double EntropyBonus = 0) : ISequenceObjective
{
    /// <inheritdoc/>
    public SequenceNeeds Needs => SequenceNeeds.Old | SequenceNeeds.Advantages | (EntropyBonus > 0 ? SequenceNeeds.Entropies : 0);

    /// <inheritdoc/>
    public double Evaluate(in SequenceBatch batch, UpdateSize whole, in SequenceGradients gradients, MetricSums metrics)
    {
        batch.Check(Needs);
        gradients.Clear();
        var clip = new ClippedRatio(Clip, Clip);
        var record = new PolicyMetrics(batch, metrics);
        double loss = 0;
        for (var s = 0; s < batch.Sequences; s++)
        {
            var (from, to) = (batch.Starts[s], batch.Starts[s + 1]);
            if (from == to)
            {
                continue;
            }

            double advantage = batch.Advantages[from];
            var ratio = ClippedRatio.Of(SequenceSums.Difference(batch.LogProbabilities, batch.OldLogProbabilities, from, to));
            var (surrogate, slope) = clip.Evaluate(ratio, advantage);
            loss += surrogate / whole.Sequences;
            gradients.LogProbabilities[from..to].Fill((float)(slope / whole.Sequences));
            if (EntropyBonus > 0)
            {
                loss -= EntropyBonus * SequenceSums.Sum(batch.Entropies, from, to) / (to - from) / whole.Sequences;
                gradients.Entropies[from..to].Fill((float)(-EntropyBonus / (to - from) / whole.Sequences));
            }

            record.Add(ratio, clip.IsClipped(ratio, advantage));
        }

        record.Write();
        return loss;
    }
}
