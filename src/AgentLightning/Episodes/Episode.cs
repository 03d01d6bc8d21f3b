namespace AgentLightning.Episodes;

/// <summary>How a unit of agent work ended. Stored as snake_case words.</summary>
public enum EpisodeStatus
{
    Succeeded,
    Failed,
}

/// <summary>One tool that the agent called.</summary>
/// <param name="DurationMs">Milliseconds.</param>
public sealed record EpisodeToolCall(string ToolName, string? Arguments, string? Result, double DurationMs, string? Error);

/// <summary>Tokens that a model read and wrote.</summary>
public sealed record TokenUsage(int Prompt, int Completion, int Total);

/// <summary>One unit of agent work with an outcome, as it is captured and stored. Immutable; what people think of it lies in rewards.</summary>
public sealed record Episode
{
    /// <summary>UUIDv7 of ours, or a client's own id, which then is an idempotency key: the same id twice is one record.</summary>
    public required string Id { get; init; }

    /// <summary>The agent that did the work; the tenant key of every record.</summary>
    public required string AgentId { get; init; }

    /// <summary>What the agent was given: text, or JSON where the input has parts.</summary>
    public required string UserInput { get; init; }

    /// <summary>What the agent answered.</summary>
    public required string AssistantOutput { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>From the call to the answer, in milliseconds, as measured around the work itself.</summary>
    public required double RequestLatencyMs { get; init; }

    public EpisodeStatus Status { get; init; } = EpisodeStatus.Succeeded;

    /// <summary>Name of the model or policy that answered.</summary>
    public string? ModelDeployment { get; init; }

    /// <summary>The release that served the answer; null when the base model did, or when it was an answer in training.</summary>
    public string? DeploymentId { get; init; }

    /// <summary>The training run that asked for this answer; null for the work of users.</summary>
    public string? TrainingRunId { get; init; }

    public string? SessionId { get; init; }

    public string? CorrelationId { get; init; }

    /// <summary>Marks work of our own, which stays out of data sets.</summary>
    public bool Internal { get; init; }

    /// <summary>The choice that a policy made, where it chose among named answers.</summary>
    public string? Action { get; init; }

    /// <summary>ln μ(action | input) of the policy that made the choice, 0 or less; learning from logged work needs it.</summary>
    public double? ActionLogProbability { get; init; }

    /// <summary>Hash of what is the same when two inputs say the same; computed from <see cref="UserInput"/> when not given.</summary>
    public string? InputKey { get; init; }

    public IReadOnlyList<EpisodeToolCall> ToolCalls { get; init; } = [];

    public TokenUsage? TokenUsage { get; init; }

    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
}

/// <summary>An episode as lists show it: texts cut to 200 characters and "...".</summary>
public sealed record EpisodeSummary(
    string Id, string AgentId, string UserInput, string AssistantOutput, int ToolCallsCount,
    string? ModelDeployment, string? DeploymentId, double RequestLatencyMs, DateTimeOffset CreatedAt);
