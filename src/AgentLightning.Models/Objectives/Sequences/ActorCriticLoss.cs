namespace AgentLightning.Models.Objectives.Sequences;

/// <summary>
/// PPO (Schulman et al., 2017): mean over all tokens of −min(r·A, clip(r)·A) + v·½·max((V − R)², (clip(V, V_old ± e) − R)²) − c·H, with
/// advantages and returns R from <see cref="Advantages.GeneralizedAdvantage"/>.
/// </summary>
/// <param name="Clip">How far the ratio may leave 1, 0…1; 0.2 by default.</param>
/// <param name="ValueClip">e: how far a value may leave the one at the time of drawing, 0 or more; 0.2 by default.</param>
/// <param name="ValueWeight">v, 0 or more; 0.1 by default.</param>
/// <param name="EntropyBonus">c, 0 or more; 0 by default.</param>
public sealed record ActorCriticLoss(double Clip = 0.2, double ValueClip = 0.2, double ValueWeight = 0.1, double EntropyBonus = 0)
    : ISequenceObjective
{
    /// <inheritdoc/>
    public SequenceNeeds Needs =>
        SequenceNeeds.Old | SequenceNeeds.Advantages | SequenceNeeds.Values | (EntropyBonus > 0 ? SequenceNeeds.Entropies : 0);

    /// <inheritdoc/>
    public double Evaluate(in SequenceBatch batch, UpdateSize whole, in SequenceGradients gradients, MetricSums metrics)
    {
        batch.Check(Needs);
        gradients.Clear();
        var clip = new ClippedRatio(Clip, Clip);
        var record = new PolicyMetrics(batch, metrics);
        double policy = 0,
            value = 0,
            entropy = 0,
            valuesClipped = 0;
        for (var t = 0; t < batch.Tokens; t++)
        {
            double advantage = batch.Advantages[t];
            var ratio = ClippedRatio.Of((double)batch.LogProbabilities[t] - batch.OldLogProbabilities[t]);
            var (surrogate, slope) = clip.Evaluate(ratio, advantage);
            policy += surrogate;
            gradients.LogProbabilities[t] = (float)(slope / whole.Tokens);
            var (error, errorSlope, clipped) = ValueError(batch.Values[t], batch.OldValues[t], batch.Returns[t]);
            value += error;
            valuesClipped += clipped ? 1 : 0;
            gradients.Values[t] = (float)(ValueWeight * errorSlope / whole.Tokens);
            if (EntropyBonus > 0)
            {
                entropy += batch.Entropies[t];
                gradients.Entropies[t] = (float)(-EntropyBonus / whole.Tokens);
            }

            record.Add(ratio, clip.IsClipped(ratio, advantage));
        }

        record.Write();
        metrics.Mean("loss/policy_avg", policy, batch.Tokens);
        metrics.Mean("loss/value_avg", value, batch.Tokens);
        metrics.Mean("val/clipfrac_avg", valuesClipped, batch.Tokens);
        return (policy + (ValueWeight * value) - (EntropyBonus * entropy)) / whole.Tokens;
    }

    /// <summary>½·max((V − R)², (clip(V) − R)²), its derivative by V, and whether the clipped one is larger.</summary>
    private (double Loss, double Slope, bool Clipped) ValueError(double value, double old, double target)
    {
        var near = Math.Clamp(value, old - ValueClip, old + ValueClip);
        double free = (value - target) * (value - target),
            clipped = (near - target) * (near - target);
        var nearSlope = value >= old - ValueClip && value <= old + ValueClip ? near - target : 0;
        return free > clipped ? (free / 2, value - target, false)
            : clipped > free ? (clipped / 2, nearSlope, true)
            : (free / 2, (value - target + nearSlope) / 2, false);
    }
}
