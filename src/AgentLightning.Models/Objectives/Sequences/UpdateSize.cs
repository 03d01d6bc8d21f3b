namespace AgentLightning.Models.Objectives.Sequences;

/// <summary>
/// How large the whole update is, of which a batch may be a part: losses and gradients of the parts then add up to those of the whole.
/// </summary>
/// <param name="Sequences">Sequences in the update.</param>
/// <param name="Tokens">Tokens in the update.</param>
/// <param name="MaxTokens">Most tokens that a sequence could have had.</param>
/// <param name="Batches">Parts that the update comes in; only <see cref="TokenAggregation.BatchMean"/> depends on it.</param>
public readonly record struct UpdateSize(int Sequences, int Tokens, int MaxTokens, int Batches = 1)
{
    /// <summary>The update that consists of this batch.</summary>
    public static UpdateSize Of(in SequenceBatch batch, int maxTokens) => new(batch.Sequences, batch.Tokens, maxTokens);
}
