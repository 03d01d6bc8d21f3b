namespace AgentLightning.Models.Objectives.Sequences;

/// <summary>
/// An objective that is a mean over all tokens, as the sum over them: what a token teaches does not depend on what else is learned from
/// with it.
/// </summary>
public sealed record TokenSum(ISequenceObjective Mean) : ISequenceObjective
{
    /// <inheritdoc/>
    public SequenceNeeds Needs => Mean.Needs;

    /// <inheritdoc/>
    public double Evaluate(in SequenceBatch batch, UpdateSize whole, in SequenceGradients gradients, MetricSums metrics) =>
        Mean.Evaluate(batch, new UpdateSize(Sequences: 1, Tokens: 1, MaxTokens: 1), gradients, metrics);
}
