using System.Globalization;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Objectives.Sequences;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>The learning half of a step: references and values, advantages, and some updates over the same attempts in a new order each time through.</summary>
internal sealed class PolicyUpdate(LanguagePolicy policy, ValueHead? values, ReinforcementOptions options) : IDisposable
{
    private readonly ISequenceObjective _objective = options.Objective();
    private readonly PolicyStep _step = new(policy.Model, policy.Compute, values, options.TokensAtOnce, options.Temperature, options.Checkpointing, options.SharePrompts);
    private readonly PolicyStep? _reference = policy.Reference is null ? null : new(policy.Reference, policy.Compute, null, options.TokensAtOnce, options.Temperature, options.Checkpointing, options.SharePrompts);

    /// <summary>The sequences that the last run learned from.</summary>
    public IReadOnlyList<LearningSequence> LearnedFrom { get; private set; } = [];

    /// <summary>Operations that the model, and its reference, were asked for so far.</summary>
    public double Flops => _step.Flops + (_reference?.Flops ?? 0);

    public void Run(IReadOnlyList<Attempt> attempts, ParameterOptimizer optimizer, float rate, int step, MetricSums metrics)
    {
        List<LearningSequence> sequences =
        [
            .. attempts.Where(attempt => attempt.Failure is null && attempt.Drawn.Count > 0 && !(options.LeaveOutTruncated && attempt.IsTruncated)).Select(attempt => new LearningSequence(attempt)),
        ];
        if (options.Beta > 0)
        {
            policy.WithReference(_ => (_reference ?? _step).Score(sequences, (sequence, logProbabilities, _) => sequence.Reference = logProbabilities));
        }

        if (values is not null)
        {
            _step.Score(sequences, (sequence, _, expected) => expected.CopyTo(sequence.Values, 0));
        }

        var (learned, groups) = AdvantageAssignment.Of(sequences, options);
        LearnedFrom = learned;
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
                var loss = _step.AddGradient(part, _objective, options.MaxTokens * options.MaxTurns, metrics);
                var norm = optimizer.Step(rate, options.ClipNorm);
                if (!double.IsFinite(norm) || !double.IsFinite(loss))
                {
                    throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"Step {step + 1} has loss {loss} and gradient norm {norm}; both must be finite. Lower the learning rate, {options.LearningRate}."));
                }

                metrics.Mean("loss", loss, 1);
                metrics.Mean("grad_norm", norm, 1);
            }
        }
    }

    public void Dispose()
    {
        _step.Dispose();
        _reference?.Dispose();
    }
}
