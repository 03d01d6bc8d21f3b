namespace AgentLightning.Models.Objectives.Sequences;

/// <summary>
/// KTO (Ethayarajh et al., 2024): sequences are good or bad by themselves, without pairs. Mean over sequences of w·(1 − σ(β·(x − z))) for a
/// good one and w·(1 − σ(β·(z − x))) for a bad one, with x = Σ ln π − Σ ln ρ. A sequence is good when the advantage of its first token is
/// above 0.
/// </summary>
/// <param name="Beta">β, greater than 0; 0.1 by default.</param>
/// <param name="ReferencePoint">z, 0 or more, from <see cref="ReferencePointOf"/> for each update; 0 by default. It is held
/// constant.</param>
/// <param name="GoodWeight">w of good ones, 1 by default. Weights should make both kinds about equally heavy.</param>
/// <param name="BadWeight">w of bad ones, 1 by default.</param>
public sealed record ProspectLoss(double Beta = 0.1, double ReferencePoint = 0, double GoodWeight = 1, double BadWeight = 1)
    : ISequenceObjective
{
    /// <inheritdoc/>
    public SequenceNeeds Needs => SequenceNeeds.Reference | SequenceNeeds.Advantages;

    /// <summary>
    /// z = max(0, mean of Σ ln π − Σ ln ρ) over answers that belong to other prompts: answer i − 1 after prompt i, in a circle of at least
    /// two.
    /// </summary>
    /// <param name="logRatios">Σ ln π − Σ ln ρ of each mismatched answer.</param>
    public static double ReferencePointOf(ReadOnlySpan<double> logRatios)
    {
        double sum = 0;
        foreach (var ratio in logRatios)
        {
            sum += ratio;
        }

        return logRatios.IsEmpty ? 0 : Math.Max(0, sum / logRatios.Length);
    }

    /// <inheritdoc/>
    public double Evaluate(in SequenceBatch batch, UpdateSize whole, in SequenceGradients gradients, MetricSums metrics)
    {
        batch.Check(Needs);
        gradients.Clear();
        double loss = 0,
            good = 0,
            bad = 0;
        int goods = 0,
            bads = 0;
        for (var s = 0; s < batch.Sequences; s++)
        {
            var (from, to) = (batch.Starts[s], batch.Starts[s + 1]);
            if (from == to)
            {
                continue;
            }

            var x = SequenceSums.Difference(batch.LogProbabilities, batch.ReferenceLogProbabilities, from, to);
            var isGood = batch.Advantages[from] > 0;
            var (sign, weight) = isGood ? (1, GoodWeight) : (-1, BadWeight);
            var inner = sign * Beta * (x - ReferencePoint);
            loss += weight * (1 - Logistic.Value(inner)) / whole.Sequences;
            gradients.LogProbabilities[from..to].Fill((float)(-weight * sign * Beta * Logistic.Slope(inner) / whole.Sequences));
            (good, goods) = isGood ? (good + (Beta * x), goods + 1) : (good, goods);
            (bad, bads) = isGood ? (bad, bads) : (bad + (Beta * x), bads + 1);
        }

        metrics.Mean("rewards/chosen", good, goods);
        metrics.Mean("rewards/rejected", bad, bads);
        metrics.Mean("kl", ReferencePoint * batch.Sequences, batch.Sequences);
        return loss;
    }
}
