namespace AgentLightning.Models.Loops;

/// <summary>How a classifier is trained. The defaults suit some hundreds to some ten thousand short or long texts.</summary>
public sealed record ClassifierTrainingOptions
{
    /// <summary>Times through the samples, 1…1,000; 15 by default.</summary>
    public int Epochs { get; init; } = 15;

    /// <summary>Samples per update, 1…4,096; 32 by default.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>
    /// Step size of the embedding at the start, greater than 0 and at most 1; it falls in a straight line to 0. 0.02 by default.
    /// </summary>
    public float LearningRate { get; init; } = 0.02f;

    /// <summary>Step size of the output layer as a multiple of <see cref="LearningRate"/>, 0…10; 0.1 by default.</summary>
    public float OutputRate { get; init; } = 0.1f;

    /// <summary>Decoupled weight decay λ of AdamW, 0…1; 0.01 by default.</summary>
    public float WeightDecay { get; init; } = 0.01f;

    /// <summary>
    /// ε of AdamW for the embedding, greater than 0 and at most 1; 0.001 by default. It is larger than most gradients, so that
    /// an n-gram moves by how much it matters: with a small ε a rare n-gram moves as far as a telling one, and the model learns by heart.
    /// </summary>
    public float Epsilon { get; init; } = 0.001f;

    /// <summary>
    /// Enough times through this many labelled texts: few texts need many epochs, but 10 always do some good and 60 are enough.
    /// </summary>
    public static int EpochsFor(int texts) => Math.Clamp(30_000 / Math.Max(texts, 1), 10, 60);

    internal void Validate()
    {
        Check(nameof(Epochs), Epochs is >= 1 and <= 1_000, "from 1 to 1,000", Epochs);
        Check(nameof(BatchSize), BatchSize is >= 1 and <= 4_096, "from 1 to 4,096", BatchSize);
        Check(nameof(LearningRate), LearningRate is > 0 and <= 1, "greater than 0 and at most 1", LearningRate);
        Check(nameof(OutputRate), OutputRate is >= 0 and <= 10, "from 0 to 10", OutputRate);
        Check(nameof(WeightDecay), WeightDecay is >= 0 and <= 1, "from 0 to 1", WeightDecay);
        Check(nameof(Epsilon), Epsilon is > 0 and <= 1, "greater than 0 and at most 1", Epsilon);

        static void Check(string name, bool good, string range, object value)
        {
            if (!good)
            {
                throw new ArgumentOutOfRangeException(name, value, $"{name} must be {range}, but it is {value}.");
            }
        }
    }
}
