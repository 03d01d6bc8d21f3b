using AgentLightning.Models.Objectives.Sequences;

namespace AgentLightning.Models.Objectives;

/// <summary>
/// An objective over sequences for a classifier: the label that was given is a sequence of one token, and its advantage is the reward less a baseline.
/// </summary>
public sealed class LabelObjective : IObjective
{
    private readonly ISequenceObjective _objective;
    private readonly float _baseline;

    /// <param name="objective">One that needs neither a reference nor values nor pairs, which a classifier's answers do not have.</param>
    /// <param name="baseline">The reward that counts as neither good nor bad.</param>
    public LabelObjective(ISequenceObjective objective, float baseline = 0)
    {
        if ((objective.Needs & (SequenceNeeds.Reference | SequenceNeeds.Values | SequenceNeeds.Pairs)) != 0)
        {
            throw new ArgumentException($"A classifier's answers have neither a reference nor values nor pairs, but this objective needs {objective.Needs}.", nameof(objective));
        }

        (_objective, _baseline) = (objective, baseline);
    }

    /// <inheritdoc/>
    public float Evaluate(ReadOnlySpan<float> logProbabilities, in Sample sample, Span<float> gradient)
    {
        var entropy = 0f;
        foreach (var logP in logProbabilities)
        {
            entropy -= MathF.Exp(logP) * logP;
        }

        float[] slopes = [0, 0];
        var batch = new SequenceBatch
        {
            Starts = [0, 1], LogProbabilities = [logProbabilities[sample.Action]], OldLogProbabilities = [sample.LogProbability], Advantages = [sample.Reward - _baseline], Entropies = [entropy],
        };
        var loss = _objective.Evaluate(batch, new UpdateSize(1, 1, 1), new SequenceGradients { LogProbabilities = slopes.AsSpan(0, 1), Entropies = slopes.AsSpan(1, 1) }, new MetricSums());
        for (var c = 0; c < logProbabilities.Length; c++)
        {
            var p = MathF.Exp(logProbabilities[c]);
            gradient[c] = (slopes[0] * ((c == sample.Action ? 1 : 0) - p)) - (slopes[1] * p * (logProbabilities[c] + entropy));
        }

        return (float)loss;
    }
}
