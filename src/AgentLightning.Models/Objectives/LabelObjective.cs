using AgentLightning.Models.Objectives.Sequences;

namespace AgentLightning.Models.Objectives;

/// <summary>
/// An objective over sequences for a classifier: the label that was given is a sequence of one token, and its advantage is the reward less
/// a baseline. Where the objective compares, the label that was preferred comes first, and the other after it.
/// </summary>
public sealed class LabelObjective : IObjective
{
    private readonly ISequenceObjective _objective;
    private readonly float _baseline;
    private readonly bool _compares;

    /// <param name="objective">One that needs no values, which a classifier does not have.</param>
    /// <param name="baseline">The reward that counts as neither good nor bad.</param>
    public LabelObjective(ISequenceObjective objective, float baseline = 0)
    {
        if (objective.Needs.HasFlag(SequenceNeeds.Values))
        {
            throw new ArgumentException(
                "A classifier does not learn what reward to expect, but this objective needs such values. Take one that clips ratios "
                    + "without them.",
                nameof(objective)
            );
        }

        (_objective, _baseline, _compares) = (objective, baseline, objective.Needs.HasFlag(SequenceNeeds.Pairs));
    }

    /// <inheritdoc/>
    public float Evaluate(ReadOnlySpan<float> logProbabilities, in Sample sample, Span<float> gradient)
    {
        if (_compares && (sample.Other < 0 || sample.Other >= logProbabilities.Length || sample.Other == sample.Action))
        {
            throw new ArgumentException(
                $"This objective compares two labels, but the answer {sample.Action} is preferred to {sample.Other}; that must be another "
                    + $"one from 0 to {logProbabilities.Length - 1}.",
                nameof(sample)
            );
        }

        var entropy = 0f;
        foreach (var logP in logProbabilities)
        {
            entropy -= MathF.Exp(logP) * logP;
        }

        var (count, advantage) = (_compares ? 2 : 1, sample.Reward - _baseline);
        ReadOnlySpan<int> starts = [0, 1, 2];
        ReadOnlySpan<float> drawn = [logProbabilities[sample.Action], logProbabilities[_compares ? sample.Other : sample.Action]];
        ReadOnlySpan<float> reference = [sample.Reference, sample.OtherReference],
            old = [sample.LogProbability, 0],
            entropies = [entropy, entropy],
            advantages = [advantage, -advantage];
        float[] slopes = [0, 0, 0, 0];
        var batch = new SequenceBatch
        {
            Starts = starts[..(count + 1)],
            LogProbabilities = drawn[..count],
            OldLogProbabilities = old[..count],
            ReferenceLogProbabilities = reference[..count],
            Advantages = advantages[..count],
            Entropies = entropies[..count],
        };
        var loss = _objective.Evaluate(
            batch,
            new UpdateSize(count, count, 1),
            new SequenceGradients { LogProbabilities = slopes.AsSpan(0, count), Entropies = slopes.AsSpan(2, count) },
            new MetricSums()
        );
        var ofEntropy = slopes[2] + slopes[3];
        for (var c = 0; c < logProbabilities.Length; c++)
        {
            var p = MathF.Exp(logProbabilities[c]);
            gradient[c] =
                (slopes[0] * ((c == sample.Action ? 1 : 0) - p))
                + (slopes[1] * ((c == sample.Other ? 1 : 0) - p))
                - (ofEntropy * p * (logProbabilities[c] + entropy));
        }

        return (float)loss;
    }
}
