using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Loops;

/// <summary>How a language model learns from examples.</summary>
public sealed record FineTuningOptions
{
    /// <summary>Updates, at least 1.</summary>
    public required int Steps { get; init; }

    /// <summary>Examples per update, at least 1; 8 by default.</summary>
    public int BatchSize { get; init; } = 8;

    /// <summary>
    /// Most tokens computed at once, one example at least; 2,048 by default. It changes memory and time; sums differ by rounding only.
    /// </summary>
    public int TokensAtOnce { get; init; } = 2048;

    /// <summary>Highest learning rate, greater than 0; 2e-4 by default, which suits adapters; ten times less suits whole models.</summary>
    public float LearningRate { get; init; } = 2e-4f;

    /// <summary>How the learning rate goes; <see cref="Schedule.Linear"/> by default.</summary>
    public Schedule Schedule { get; init; } = Schedule.Linear;

    /// <summary>Steps over which the learning rate rises, 0 or more and fewer than all; 0 by default.</summary>
    public int Warmup { get; init; }

    /// <summary>Gradients longer than this are shortened to it, greater than 0; 1 by default.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>Weight decay of matrices, 0 or more; 0 by default.</summary>
    public float WeightDecay { get; init; }

    /// <summary>Steps between evaluations on the held-out examples, 0 for only before the first and after the last; 0 by default.</summary>
    public int EvaluateEvery { get; init; }

    /// <summary>Steps between checkpoints of the run, 0 for only after the last; 0 by default.</summary>
    public int SaveEvery { get; init; }

    /// <summary>Fixes the order of the examples; 1 by default.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Computes activations again on the way back instead of keeping them. Off by default; results are the same.</summary>
    public bool Checkpointing { get; init; }

    /// <summary>
    /// Most bytes that model and training may take; null, the default, is what the process can have. More is an error before the first
    /// update.
    /// </summary>
    public long? MemoryBytes { get; init; }

    internal AdamW Rule => new(WeightDecay: WeightDecay);

    internal void Validate()
    {
        (bool Right, string Rule, object Seen)[] checks =
        [
            (Steps >= 1, "the steps must be at least 1", Steps),
            (BatchSize >= 1, "the batch size must be at least 1", BatchSize),
            (TokensAtOnce >= 1, "the tokens at once must be at least 1", TokensAtOnce),
            (LearningRate is > 0 and < 10, "the learning rate must be above 0 and below 10", LearningRate),
            (Warmup >= 0 && (Warmup < Steps || Warmup == 0), $"the warm-up must be 0 or more and less than the {Steps} steps", Warmup),
            (ClipNorm > 0, "the norm to clip at must be above 0", ClipNorm),
            (WeightDecay is >= 0 and < 10, "the weight decay must be 0 or more and below 10", WeightDecay),
            (EvaluateEvery >= 0, "the steps between evaluations must be 0 or more", EvaluateEvery),
            (SaveEvery >= 0, "the steps between checkpoints must be 0 or more", SaveEvery),
        ];
        var errors = checks
            .Where(check => !check.Right)
            .Select(check => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{check.Rule}, but it is {check.Seen}"))
            .ToList();
        if (errors.Count > 0)
        {
            throw new ArgumentException($"The options of the training are wrong: {string.Join("; ", errors)}.");
        }
    }
}
