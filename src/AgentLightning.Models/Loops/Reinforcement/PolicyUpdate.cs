using System.Globalization;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Objectives.Sequences;
using AgentLightning.Models.Ports;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>
/// The learning half of a step: references and values, advantages, and some updates over the same attempts in a new order each time
/// through.
/// </summary>
internal sealed class PolicyUpdate(IModelPort port, ReinforcementOptions options)
{
    private readonly ISequenceObjective _objective = options.Objective();

    public async Task RunAsync(
        IReadOnlyList<Attempt> attempts,
        float rate,
        int step,
        MetricSums metrics,
        CancellationToken cancellationToken
    )
    {
        List<LearningSequence> sequences =
        [
            .. attempts
                .Where(attempt => attempt.Failure is null && attempt.Drawn.Count > 0 && !(options.LeaveOutTruncated && attempt.IsTruncated))
                .Select(attempt => new LearningSequence(attempt)),
        ];
        if (options.Beta > 0)
        {
            var scores = await port.ScoreAsync([.. sequences.Select(Told)], ScoredBy.Reference, cancellationToken).ConfigureAwait(false);
            foreach (var (sequence, score) in sequences.Zip(scores))
            {
                sequence.Reference = score.LogProbabilities;
            }
        }

        if (options.Method.HasValues())
        {
            var scores = await port.ScoreAsync([.. sequences.Select(Told)], ScoredBy.Policy, cancellationToken).ConfigureAwait(false);
            foreach (var (sequence, score) in sequences.Zip(scores))
            {
                score.Values.CopyTo(sequence.Values, 0);
            }
        }

        var (learned, groups) = AdvantageAssignment.Of(sequences, options);
        if (groups is not null)
        {
            metrics.Mean("frac_reward_zero_std", groups.WithoutVariance, groups.Groups);
        }

        metrics.Mean("learned_sequences", learned.Count, 1);
        for (var epoch = 0; epoch < options.Epochs && learned.Count > 0; epoch++)
        {
            var order = learned.ToArray();
            new SeededRandom(options.Seed, step, epoch, 3).Shuffle<LearningSequence>(order);
            foreach (var part in order.Chunk((order.Length + options.Updates - 1) / options.Updates))
            {
                // The step is asked for at once: on another machine it then follows without a way there and back in between.
                var passing = port.ForwardBackwardAsync(
                    [.. part.Select(Told)],
                    _objective,
                    options.MaxTokens * options.MaxTurns,
                    metrics,
                    cancellationToken
                );
                var stepping = port.StepAsync(new AdamStep(rate, options.Rule, options.ClipNorm), cancellationToken);
                await Task.WhenAll(passing, stepping).ConfigureAwait(false);
                Tell((await passing.ConfigureAwait(false)).Loss, await stepping.ConfigureAwait(false), step, metrics);
            }
        }
    }

    private void Tell(double loss, double? norm, int step, MetricSums metrics)
    {
        if (!double.IsFinite(norm ?? 0) || !double.IsFinite(loss))
        {
            throw new InvalidDataException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Step {step + 1} has loss {loss} and gradient norm {norm}; both must be finite. Lower the learning rate, "
                        + $"{options.LearningRate}."
                )
            );
        }

        metrics.Mean("loss", loss, 1);
        if (norm is not null)
        {
            metrics.Mean("grad_norm", norm.Value, 1);
        }
    }

    private static TokenSequence Told(LearningSequence sequence) =>
        new()
        {
            Tokens = sequence.Tokens,
            Drawn = sequence.Drawn,
            Old = sequence.Old,
            Reference = sequence.Reference,
            Advantages = sequence.Advantages,
            Values = sequence.Values,
            Returns = sequence.Returns,
        };
}
