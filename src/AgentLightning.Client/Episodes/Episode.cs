namespace AgentLightning.Episodes;

/// <summary>How a unit of agent work ended. Stored as snake_case words.</summary>
public enum EpisodeStatus
{
    Succeeded,
    Failed,

    /// <summary>The caller gave up before there was an answer; what had come until then is kept.</summary>
    Cancelled,
}

/// <summary>One tool that the agent called.</summary>
/// <param name="DurationMs">Milliseconds.</param>
public sealed record EpisodeToolCall(string ToolName, string? Arguments, string? Result, double DurationMs, string? Error);

/// <summary>Tokens that a model read and wrote.</summary>
public sealed record TokenUsage(int Prompt, int Completion, int Total);

/// <summary>One message of the conversation that a model was given or wrote.</summary>
/// <param name="Role"><c>system</c>, <c>user</c>, <c>assistant</c>, <c>tool</c>, or what the sender calls it.</param>
/// <param name="Content">The text, or JSON where the content has parts.</param>
/// <param name="Name">Who speaks, where several have the role.</param>
/// <param name="ToolCallId">The call that a message of role <c>tool</c> answers.</param>
/// <param name="ToolCalls">The calls that the model asks for.</param>
public sealed record EpisodeMessage(
    string Role,
    string? Content,
    string? Name = null,
    string? ToolCallId = null,
    IReadOnlyList<MessageToolCall>? ToolCalls = null
);

/// <summary>A call that a model asks for.</summary>
/// <param name="Arguments">As the model wrote them: JSON as a rule.</param>
public sealed record MessageToolCall(string? Id, string Name, string? Arguments);

/// <summary>Tokens as the inference engine gave them: training takes these and never tokenises the text again.</summary>
/// <param name="PromptIds">What the model read.</param>
/// <param name="CompletionIds">What it wrote.</param>
/// <param name="CompletionLogProbabilities">ln π of each of <paramref name="CompletionIds"/> when it was sampled; as long as it, or
/// null.</param>
public sealed record EpisodeTokens(
    IReadOnlyList<int> PromptIds,
    IReadOnlyList<int> CompletionIds,
    IReadOnlyList<double>? CompletionLogProbabilities = null
);

/// <summary>
/// One unit of agent work with an outcome, as it is captured and stored. Immutable; what people think of it lies in rewards.
/// </summary>
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

    /// <summary>The conversation or journey that the episode belongs to.</summary>
    public string? SessionId { get; init; }

    /// <summary>Who was served: an opaque id of the caller's, by which records can be deleted.</summary>
    public string? UserId { get; init; }

    /// <summary>The message of the conversation that holds the answer: feedback names it.</summary>
    public string? MessageId { get; init; }

    /// <summary>The OpenTelemetry trace that the episode was read out of, 32 hexadecimal digits.</summary>
    public string? TraceId { get; init; }

    public string? CorrelationId { get; init; }

    /// <summary>What the user wanted, as the agent's own classifier called it; rewards are reported by it.</summary>
    public string? Intent { get; init; }

    /// <summary>The kind of user; rewards are reported by it.</summary>
    public string? Persona { get; init; }

    /// <summary>Type and message of what failed the work; null when nothing did.</summary>
    public string? Error { get; init; }

    /// <summary>From the call to the first part of a streamed answer, in milliseconds.</summary>
    public double? TimeToFirstTokenMs { get; init; }

    /// <summary>Marks work of our own, which stays out of data sets.</summary>
    public bool Internal { get; init; }

    /// <summary>The choice that a policy made, where it chose among named answers.</summary>
    public string? Action { get; init; }

    /// <summary>ln μ(action | input) of the policy that made the choice, 0 or less; learning from logged work needs it.</summary>
    public double? ActionLogProbability { get; init; }

    /// <summary>Hash of what is the same when two inputs say the same; computed from <see cref="UserInput"/> when not given.</summary>
    public string? InputKey { get; init; }

    public IReadOnlyList<EpisodeToolCall> ToolCalls { get; init; } = [];

    /// <summary>The conversation as the model saw it and its answer, oldest first; empty when the sender gave none.</summary>
    public IReadOnlyList<EpisodeMessage> Messages { get; init; } = [];

    /// <summary>Token ids, when the inference engine gave them.</summary>
    public EpisodeTokens? Tokens { get; init; }

    /// <summary>Short words to select episodes by.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    public TokenUsage? TokenUsage { get; init; }

    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    /// <summary>
    /// True when retention has removed texts, messages, tool calls, tokens and metadata, and only the row of facts is left.
    /// </summary>
    public bool PayloadRemoved { get; init; }
}

/// <summary>An episode as lists show it: texts cut to 200 characters and "...".</summary>
public sealed record EpisodeSummary(
    string Id,
    string AgentId,
    string UserInput,
    string AssistantOutput,
    int ToolCallsCount,
    string? ModelDeployment,
    string? DeploymentId,
    double RequestLatencyMs,
    DateTimeOffset CreatedAt
);
