using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Ports;

/// <summary>What came of a forward and a backward pass.</summary>
/// <param name="Loss">Of the objective over all the sequences.</param>
/// <param name="LogProbabilities">ln p of the drawn tokens of each sequence, before the update.</param>
/// <param name="Entropy">Mean over the drawn tokens whose advantage is not 0, in nats; null where it is not told.</param>
public sealed record TrainingPass(double Loss, IReadOnlyList<float[]> LogProbabilities, double? Entropy);

/// <summary>ln p of the drawn tokens of a sequence.</summary>
/// <param name="Values">What is expected to come, where there is a value head; otherwise empty.</param>
public sealed record TokenScores(float[] LogProbabilities, float[] Values);

/// <summary>Whose probabilities are asked for.</summary>
public enum ScoredBy
{
    /// <summary>The model that learns, as it is now.</summary>
    Policy,

    /// <summary>The model that is not to be left behind.</summary>
    Reference,
}

/// <summary>One update.</summary>
/// <param name="LearningRate">0 or more.</param>
/// <param name="Rule">How it is made.</param>
/// <param name="ClipNorm">Gradients longer than this are shortened to it; infinite for never.</param>
public sealed record AdamStep(float LearningRate, AdamW Rule, double ClipNorm = double.PositiveInfinity);
