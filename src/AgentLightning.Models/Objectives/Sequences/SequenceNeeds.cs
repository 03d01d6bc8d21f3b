namespace AgentLightning.Models.Objectives.Sequences;

/// <summary>What an objective reads beside the log-probabilities of the policy.</summary>
[Flags]
public enum SequenceNeeds
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary><see cref="SequenceBatch.OldLogProbabilities"/>.</summary>
    Old = 1,

    /// <summary><see cref="SequenceBatch.ReferenceLogProbabilities"/>.</summary>
    Reference = 2,

    /// <summary><see cref="SequenceBatch.Advantages"/>.</summary>
    Advantages = 4,

    /// <summary><see cref="SequenceBatch.Entropies"/>.</summary>
    Entropies = 8,

    /// <summary>
    /// <see cref="SequenceBatch.Values"/>, <see cref="SequenceBatch.OldValues"/> and <see cref="SequenceBatch.Returns"/>.
    /// </summary>
    Values = 16,

    /// <summary>Sequences two by two: a preferred one, then the other.</summary>
    Pairs = 32,
}
