namespace AgentLightning.Models.Objectives.Sequences;

/// <summary>Which loss a pair has; see <see cref="PreferenceLoss"/>.</summary>
public enum PreferenceKind
{
    /// <summary>−ln σ(β·d).</summary>
    Sigmoid,

    /// <summary>
    /// (−(1 − ε)·ln σ(β·d) + ε·ln σ(−β·d)) / (1 − 2ε): without bias when a share ε of the preferences is the wrong way round.
    /// </summary>
    Robust,

    /// <summary>(d̄ − 1/(2β))², where d̄ is d with the mean over tokens in place of the sum (Azar et al., 2023).</summary>
    Ipo,

    /// <summary>max(0, 1 − β·d).</summary>
    Hinge,

    /// <summary>1 − σ(β·c) + σ(β·r): the preferred becomes likelier and the other less likely, each by itself.</summary>
    ApoZero,
}

/// <summary>
/// Direct preference optimization (Rafailov et al., 2023), mean over pairs. c and r are Σ ln π − Σ ln ρ of the preferred and of the other
/// sequence, and d = c − r. A pair must come in one batch.
/// </summary>
/// <param name="Beta">β, greater than 0: how dear it is to leave the reference. 0.1 by default.</param>
/// <param name="Smoothing">ε of <see cref="PreferenceKind.Robust"/>, 0 to below 0.5; the others ignore it. 0 by default.</param>
public sealed record PreferenceLoss(PreferenceKind Kind = PreferenceKind.Sigmoid, double Beta = 0.1, double Smoothing = 0)
    : ISequenceObjective
{
    /// <inheritdoc/>
    public SequenceNeeds Needs => SequenceNeeds.Reference | SequenceNeeds.Pairs;

    /// <inheritdoc/>
    public double Evaluate(in SequenceBatch batch, UpdateSize whole, in SequenceGradients gradients, MetricSums metrics)
    {
        batch.Check(Needs);
        gradients.Clear();
        var (pairs, all) = (batch.Sequences / 2, whole.Sequences / 2);
        double loss = 0,
            preferred = 0,
            other = 0,
            right = 0,
            preferredLogProbability = 0,
            otherLogProbability = 0;
        for (var pair = 0; pair < pairs; pair++)
        {
            var (from, middle, to) = (batch.Starts[2 * pair], batch.Starts[(2 * pair) + 1], batch.Starts[(2 * pair) + 2]);
            var c = SequenceSums.Difference(batch.LogProbabilities, batch.ReferenceLogProbabilities, from, middle);
            var r = SequenceSums.Difference(batch.LogProbabilities, batch.ReferenceLogProbabilities, middle, to);
            double preferredScale = Kind == PreferenceKind.Ipo ? 1.0 / Math.Max(middle - from, 1) : 1,
                otherScale = Kind == PreferenceKind.Ipo ? 1.0 / Math.Max(to - middle, 1) : 1;
            var (value, slopeC, slopeR) = Pair(c * preferredScale, r * otherScale);
            loss += value / all;
            gradients.LogProbabilities[from..middle].Fill((float)(slopeC * preferredScale / all));
            gradients.LogProbabilities[middle..to].Fill((float)(slopeR * otherScale / all));
            preferred += Beta * c;
            other += Beta * r;
            right += c > r ? 1 : 0;
            preferredLogProbability += SequenceSums.Sum(batch.LogProbabilities, from, middle);
            otherLogProbability += SequenceSums.Sum(batch.LogProbabilities, middle, to);
        }

        metrics.Mean("rewards/chosen", preferred, pairs);
        metrics.Mean("rewards/rejected", other, pairs);
        metrics.Mean("rewards/margins", preferred - other, pairs);
        metrics.Mean("rewards/accuracies", right, pairs);
        metrics.Mean("logps/chosen", preferredLogProbability, pairs);
        metrics.Mean("logps/rejected", otherLogProbability, pairs);
        return loss;
    }

    /// <returns>The loss of a pair, and its derivatives by c and r.</returns>
    private (double Loss, double SlopeC, double SlopeR) Pair(double c, double r)
    {
        var margin = Beta * (c - r);
        switch (Kind)
        {
            case PreferenceKind.Robust:
                var scale = 1 / (1 - (2 * Smoothing));
                var slope = -scale * Beta * (((1 - Smoothing) * Logistic.Value(-margin)) + (Smoothing * Logistic.Value(margin)));
                return (scale * ((-(1 - Smoothing) * Logistic.Log(margin)) + (Smoothing * Logistic.Log(-margin))), slope, -slope);
            case PreferenceKind.Ipo:
                var distance = c - r - (1 / (2 * Beta));
                return (distance * distance, 2 * distance, -2 * distance);
            case PreferenceKind.Hinge:
                return margin < 1 ? (1 - margin, -Beta, Beta) : (0, 0, 0);
            case PreferenceKind.ApoZero:
                return (
                    1 - Logistic.Value(Beta * c) + Logistic.Value(Beta * r),
                    -Beta * Logistic.Slope(Beta * c),
                    Beta * Logistic.Slope(Beta * r)
                );
            default:
                var sigmoidSlope = -Beta * Logistic.Value(-margin);
                return (-Logistic.Log(margin), sigmoidSlope, -sigmoidSlope);
        }
    }
}
