using System.Text.Json;
using AgentLightning.Episodes;

namespace AgentLightning.Capture;

/// <summary>
/// An episode as a client sends it: the fields of <see cref="Episode"/>, all optional but <c>agent_id</c> and <c>user_input</c>.
/// </summary>
public sealed record EpisodeInput
{
    /// <summary>The client's own id, which then is an idempotency key; one of ours when absent.</summary>
    public string? Id { get; init; }

    public string? AgentId { get; init; }

    public string? UserInput { get; init; }

    public string? AssistantOutput { get; init; }

    /// <summary>Now when absent.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>Milliseconds; 0 when absent.</summary>
    public double? RequestLatencyMs { get; init; }

    /// <summary>succeeded, failed or cancelled; succeeded when absent.</summary>
    public string? Status { get; init; }

    public string? ModelDeployment { get; init; }

    /// <summary>The release of the agent that answered; the base model when absent.</summary>
    public string? DeploymentId { get; init; }

    public string? SessionId { get; init; }

    public string? UserId { get; init; }

    public string? MessageId { get; init; }

    public string? TraceId { get; init; }

    public string? CorrelationId { get; init; }

    public string? Intent { get; init; }

    public string? Persona { get; init; }

    public string? Error { get; init; }

    public double? TimeToFirstTokenMs { get; init; }

    public bool? Internal { get; init; }

    public string? Action { get; init; }

    public double? ActionLogProbability { get; init; }

    public string? InputKey { get; init; }

    public IReadOnlyList<EpisodeToolCall?>? ToolCalls { get; init; }

    public IReadOnlyList<EpisodeMessage?>? Messages { get; init; }

    public EpisodeTokens? Tokens { get; init; }

    public IReadOnlyList<string?>? Tags { get; init; }

    public TokenUsage? TokenUsage { get; init; }

    /// <summary>Names and values; a value that is no text is kept as its JSON.</summary>
    public IReadOnlyDictionary<string, JsonElement>? Metadata { get; init; }
}
