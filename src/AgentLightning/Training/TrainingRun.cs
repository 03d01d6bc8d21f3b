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

/// <summary>What a run learns from.</summary>
public enum TrainingMethod
{
    /// <summary>From the right answers.</summary>
    Supervised,

    /// <summary>From how good given answers were; the right ones are never shown.</summary>
    PolicyGradient,
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
);
