using System.Globalization;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Loops.Reinforcement;

/// <summary>How a language model learns from rewards.</summary>
public sealed record ReinforcementOptions
{
    /// <summary>Rounds of attempts and updates, at least 1.</summary>
    public required int Steps { get; init; }

    /// <summary>Most tokens of a turn, at least 1.</summary>
    public required int MaxTokens { get; init; }

    /// <summary>How it learns; <see cref="ReinforcementMethod.Grpo"/> by default.</summary>
    public ReinforcementMethod Method { get; init; }

    /// <summary>Tasks per step, at least 1; 32 by default.</summary>
    public int TasksPerStep { get; init; } = 32;

    /// <summary>Attempts at each task, at least 1, and 2 for methods that compare them; 16 by default.</summary>
    public int Attempts { get; init; } = 16;

    /// <summary>Times through the attempts of a step, at least 1; 1 by default.</summary>
    public int Epochs { get; init; } = 1;

    /// <summary>Updates per time through, at least 1; 1 by default.</summary>
    public int Updates { get; init; } = 1;

    /// <summary>Highest learning rate, 0 or more and below 10; 1e-5 by default, which suits adapters.</summary>
    public float LearningRate { get; init; } = 1e-5f;

    /// <summary>How the learning rate goes; <see cref="Schedule.Constant"/> by default.</summary>
    public Schedule Schedule { get; init; } = Schedule.Constant;

    /// <summary>Steps over which the learning rate rises, 0 or more and fewer than all; 0 by default.</summary>
    public int Warmup { get; init; }

    /// <summary>Gradients longer than this are shortened to it, greater than 0; 1 by default.</summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>Weight decay of matrices, 0 or more; 0 by default.</summary>
    public float WeightDecay { get; init; }

    /// <summary>How fast AdamW forgets squared gradients, 0…1; 0.99 by default: rewards change faster than text.</summary>
    public float Beta2 { get; init; } = 0.99f;

    /// <summary>
    /// β, 0 or more: the worth of staying near the reference, in the loss or, for methods that do so, in the reward. 0 by default, and then
    /// no reference is computed.
    /// </summary>
    public double Beta { get; init; }

    /// <summary>The worth of staying undecided, 0 or more; 0 by default.</summary>
    public double EntropyBonus { get; init; }

    /// <summary>How far a ratio may fall below 1; null, the default, is what suits the method.</summary>
    public double? ClipLow { get; init; }

    /// <summary>How far a ratio may rise above 1; null, the default, is what suits the method.</summary>
    public double? ClipHigh { get; init; }

    /// <summary>Largest ratio that counts for a bad token; infinite by default.</summary>
    public double MostRatio { get; init; } = double.PositiveInfinity;

    /// <summary>
    /// γ, 0…1; 1 by default: what a reward one turn later is worth where attempts are compared, and one token later where each token has an
    /// advantage of its own, as those methods have it.
    /// </summary>
    public double Discount { get; init; } = 1;

    /// <summary>λ of generalized advantages, 0…1; 0.95 by default.</summary>
    public double Lambda { get; init; } = 0.95;

    /// <summary>The worth of right values (<see cref="ReinforcementMethod.Ppo"/>), 0 or more; 0.1 by default.</summary>
    public double ValueWeight { get; init; } = 0.1;

    /// <summary>Temperature of attempts, greater than 0; 1 by default. Log-probabilities are computed at it too.</summary>
    public float Temperature { get; init; } = 1;

    /// <summary>Most turns of an attempt, at least 1; 8 by default. One that is not over then counts as failed.</summary>
    public int MaxTurns { get; init; } = 8;

    /// <summary>Texts that end a turn; none by default.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Tokens that end a turn; null, the default, is those that the tokenizer names.</summary>
    public IReadOnlyList<int>? StopIds { get; init; }

    /// <summary>Does not learn from attempts that were cut off by <see cref="MaxTokens"/>. Off by default.</summary>
    public bool LeaveOutTruncated { get; init; }

    /// <summary>Longest time for judging a turn, greater than 0; 60 seconds by default.</summary>
    public TimeSpan JudgeTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Turns judged at once, at least 1; one per processor by default.</summary>
    public int JudgesAtOnce { get; init; } = Environment.ProcessorCount;

    /// <summary>The share of a step's attempts that may fail, 0…1; 0.5 by default. With more the run stops with the first reason.</summary>
    public double MaxFailureShare { get; init; } = 0.5;

    /// <summary>Steps between evaluations on held-out tasks, 0 for only before the first and after the last; 10 by default.</summary>
    public int EvaluateEvery { get; init; } = 10;

    /// <summary>An attempt with at least this return counts as right; 1 by default.</summary>
    public double RightReward { get; init; } = 1;

    /// <summary>Stops when this share of held-out tasks is right, 0…1; null, the default, goes through all steps.</summary>
    public double? StopAtAccuracy { get; init; }

    /// <summary>Stops after so many evaluations without a better one, at least 1; null, the default, does not.</summary>
    public int? Patience { get; init; }

    /// <summary>Ends with the weights of the best evaluation instead of the last. On by default.</summary>
    public bool KeepBest { get; init; } = true;

    /// <summary>Steps between checkpoints of the run, 0 for only at its end; 10 by default.</summary>
    public int SaveEvery { get; init; } = 10;

    /// <summary>Fixes tasks, attempts and the order of learning; 1 by default.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>Completions decoded together, at least 1; 256 by default. It changes no token.</summary>
    public int CompletionsAtOnce { get; init; } = 256;

    /// <summary>
    /// Most tokens learned from at once, one sequence at least; 4,096 by default. What attempts share counts once. Sums differ by rounding
    /// only.
    /// </summary>
    public int TokensAtOnce { get; init; } = 4096;

    /// <summary>
    /// Computes the tokens that attempts at one task have in common once per update and part of it. On by default; sums differ by rounding
    /// only.
    /// </summary>
    public bool SharePrompts { get; init; } = true;

    /// <summary>Computes activations again on the way back instead of keeping them. Off by default; results are the same.</summary>
    public bool Checkpointing { get; init; }

    /// <summary>
    /// Most memory in bytes; null, the default, is what the process can have. What would take more is refused before it begins.
    /// </summary>
    public long? MemoryBytes { get; init; }

    /// <summary>
    /// Operations per second that the machine can do, which the journal compares with; null, the default, compares with nothing.
    /// </summary>
    public double? PeakFlops { get; init; }

    internal AdamW Rule => new(Beta2: Beta2, WeightDecay: WeightDecay);

    internal void Validate()
    {
        var least = Method is ReinforcementMethod.Ppo or ReinforcementMethod.ReinforcePlusPlus ? 1 : 2;
        (bool Right, string Rule, object? Seen)[] checks =
        [
            (Steps >= 1, "the steps must be at least 1", Steps),
            (MaxTokens >= 1, "the most tokens of a turn must be at least 1", MaxTokens),
            (Enum.IsDefined(Method), "the method must be one of those there are", Method),
            (TasksPerStep >= 1, "the tasks per step must be at least 1", TasksPerStep),
            (Attempts >= least, $"the attempts at each task must be at least {least} with this method", Attempts),
            (Epochs >= 1, "the times through the attempts must be at least 1", Epochs),
            (Updates >= 1, "the updates per time through must be at least 1", Updates),
            (LearningRate is >= 0 and < 10, "the learning rate must be 0 or more and below 10", LearningRate),
            (Warmup >= 0 && (Warmup < Steps || Warmup == 0), $"the warm-up must be 0 or more and less than the {Steps} steps", Warmup),
            (ClipNorm > 0, "the norm to clip at must be above 0", ClipNorm),
            (WeightDecay is >= 0 and < 10, "the weight decay must be 0 or more and below 10", WeightDecay),
            (Beta2 is >= 0 and < 1, "the decay of squared gradients must be from 0 to below 1", Beta2),
            (Beta is >= 0 and < double.PositiveInfinity, "β must be 0 or more", Beta),
            (EntropyBonus is >= 0 and < double.PositiveInfinity, "the entropy bonus must be 0 or more", EntropyBonus),
            (ClipLow is null or (>= 0 and <= 1), "the lower clip must be 0 to 1", ClipLow),
            (ClipHigh is null or (>= 0 and < double.PositiveInfinity), "the upper clip must be 0 or more", ClipHigh),
            (MostRatio > 1, "the largest ratio must be above 1", MostRatio),
            (Discount is >= 0 and <= 1, "the discount must be 0 to 1", Discount),
            (Lambda is >= 0 and <= 1, "λ must be 0 to 1", Lambda),
            (ValueWeight is >= 0 and < double.PositiveInfinity, "the worth of values must be 0 or more", ValueWeight),
            (Temperature is > 0 and < float.PositiveInfinity, "the temperature must be above 0", Temperature),
            (MaxTurns >= 1, "the most turns must be at least 1", MaxTurns),
            (JudgeTimeout > TimeSpan.Zero, "the time for judging must be above 0", JudgeTimeout),
            (JudgesAtOnce >= 1, "the turns judged at once must be at least 1", JudgesAtOnce),
            (MaxFailureShare is >= 0 and <= 1, "the share of failures must be 0 to 1", MaxFailureShare),
            (EvaluateEvery >= 0, "the steps between evaluations must be 0 or more", EvaluateEvery),
            (StopAtAccuracy is null or (>= 0 and <= 1), "the accuracy to stop at must be 0 to 1", StopAtAccuracy),
            (Patience is null or >= 1, "the patience must be at least 1", Patience),
            (SaveEvery >= 0, "the steps between checkpoints must be 0 or more", SaveEvery),
            (CompletionsAtOnce >= 1, "the completions at once must be at least 1", CompletionsAtOnce),
            (TokensAtOnce >= 1, "the tokens at once must be at least 1", TokensAtOnce),
        ];
        var errors = checks
            .Where(check => !check.Right)
            .Select(check => string.Create(CultureInfo.InvariantCulture, $"{check.Rule}, but it is {check.Seen}"))
            .ToList();
        if (errors.Count > 0)
        {
            throw new ArgumentException($"The options of the training are wrong: {string.Join("; ", errors)}.");
        }
    }
}
