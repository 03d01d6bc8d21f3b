namespace AgentLightning.Models.Objectives.Sequences;

/// <summary>
/// Learning by example: mean over all tokens of −w·ln π(token), where w is the token's advantage, or 1 without advantages. With w from
/// rewards it is reward-weighted; with w of 1 for what is kept and nothing else, rejection sampling.
/// </summary>
/// <param name="Dynamic">Multiplies each token by π(token), held constant, so that unlikely ones do not dominate ("dft").</param>
public sealed record LikelihoodLoss(bool Dynamic = false) : ISequenceObjective
{
    /// <inheritdoc/>
    public SequenceNeeds Needs => SequenceNeeds.None;

    /// <inheritdoc/>
    public double Evaluate(in SequenceBatch batch, UpdateSize whole, in SequenceGradients gradients, MetricSums metrics)
    {
        batch.Check(Needs);
        gradients.Clear();
        double loss = 0;
        for (var t = 0; t < batch.Tokens; t++)
        {
            double logProbability = batch.LogProbabilities[t];
            var weight = (batch.Advantages.IsEmpty ? 1.0 : batch.Advantages[t]) * (Dynamic ? Math.Exp(logProbability) : 1) / whole.Tokens;
            loss -= weight * logProbability;
            gradients.LogProbabilities[t] = (float)-weight;
        }

        metrics.Mean("entropy", SequenceSums.Sum(batch.Entropies, 0, batch.Entropies.Length), batch.Entropies.Length);
        return loss;
    }
}
