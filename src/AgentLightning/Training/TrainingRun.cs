using AgentLightning.Datasets;

namespace AgentLightning.Training;

/// <summary>The states of a run: pending → running → succeeded | failed | cancelled. Stored as these words.</summary>
public enum TrainingStatus
{
    Pending,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

/// <summary>What a run learns from. Stored as these words.</summary>
public enum TrainingMethod
{
    /// <summary>A text classifier from the right answers.</summary>
    Supervised,

    /// <summary>A text classifier from how good given answers were; the right ones are never shown.</summary>
    PolicyGradient,

    /// <summary>A language model from conversations as they are.</summary>
    Sft,

    /// <summary>The same, where better conversations count more.</summary>
    RewardWeightedSft,

    /// <summary>A language model from pairs of answers of which one is better (direct preference optimization).</summary>
    Dpo,

    /// <summary>A language model from answers that were good or bad by themselves (Kahneman-Tversky optimization).</summary>
    Kto,

    /// <summary>A language model from rewards of fresh answers, compared with each other (group relative policy optimization).</summary>
    Grpo,

    /// <summary>A language model from rewards of fresh answers, with values that it learns beside (proximal policy optimization).</summary>
    Ppo,
}

/// <summary>What methods learn from.</summary>
public static class TrainingMethods
{
    /// <summary>The kinds of data sets that a method takes, the usual one first.</summary>
    public static IReadOnlyList<DatasetKind> KindsOf(TrainingMethod method) =>
        method switch
        {
            TrainingMethod.Supervised or TrainingMethod.PolicyGradient => [DatasetKind.Classification],
            TrainingMethod.Sft or TrainingMethod.RewardWeightedSft => [DatasetKind.Chat],
            TrainingMethod.Dpo => [DatasetKind.Preference],
            TrainingMethod.Kto => [DatasetKind.Prompts, DatasetKind.Chat],
            _ => [DatasetKind.Prompts],
        };

    /// <summary>The method that is meant where a request names none.</summary>
    public static TrainingMethod Usual(DatasetKind kind) =>
        kind switch
        {
            DatasetKind.Classification => TrainingMethod.Supervised,
            DatasetKind.Chat => TrainingMethod.Sft,
            DatasetKind.Preference => TrainingMethod.Dpo,
            _ => TrainingMethod.Grpo,
        };
}

/// <summary>Data set + base model + method → a tuned model with metrics.</summary>
/// <param name="Engine">Who executes it, for example <c>local</c>.</param>
/// <param name="Artifact">The tuned model's content; null until it succeeded.</param>
public sealed record TrainingRun(
    string Id,
    string AgentId,
    string DatasetId,
    string Engine,
    TrainingMethod Method,
    string BaseModel,
    string? TunedModelName,
    string? Artifact,
    TrainingStatus Status,
    IReadOnlyDictionary<string, string> Hyperparameters,
    IReadOnlyDictionary<string, double>? Metrics,
    string? ErrorMessage,
    DateTimeOffset CreatedAt,
    DateTimeOffset? StartedAt,
    DateTimeOffset? CompletedAt
)
{
    /// <summary>The topic of notices that some run was queued, began, ended, or is to stop.</summary>
    public const string Changes = "training_runs";

    /// <summary>The answers that a classifier may give; empty for those of the data set.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>Whether any server may execute it; otherwise who asked for it does.</summary>
    public bool IsQueued { get; init; }

    /// <summary>Whether it is to stop at its next step.</summary>
    public bool CancelRequested { get; init; }

    /// <summary>How often it was begun or gone on with.</summary>
    public int Attempts { get; init; }

    /// <summary>Steps made so far; null before the first.</summary>
    public int? Step { get; init; }

    /// <summary>Steps that it has in all; null before they are known.</summary>
    public int? Steps { get; init; }

    /// <summary>When it last said how far it is.</summary>
    public DateTimeOffset? ProgressedAt { get; init; }

    /// <summary>What another can go on from; null before the first was saved, and after its end.</summary>
    public string? Checkpoint { get; init; }

    /// <summary>Steps made at <see cref="Checkpoint"/>.</summary>
    public int? CheckpointStep { get; init; }

    /// <summary>Whether it has come to its end.</summary>
    public bool IsOver => Status is TrainingStatus.Succeeded or TrainingStatus.Failed or TrainingStatus.Cancelled;

    internal string LeaseName => $"training run {Id}";
}

/// <summary>A line of what a run says while it goes on: a message, or what a step measured.</summary>
/// <param name="Number">Rises from line to line of a run.</param>
/// <param name="Step">Null for a message.</param>
/// <param name="Message">Null for what a step measured.</param>
public sealed record TrainingLogLine(
    long Number,
    DateTimeOffset At,
    int? Step,
    string? Message,
    IReadOnlyDictionary<string, double>? Metrics
);
