using System.Text.Json;
using AgentLightning.Episodes;

namespace AgentLightning.Capture;

/// <summary>
/// An episode as a client sends it: the fields of <see cref="Episode"/>, all optional but <c>agent_id</c> and <c>user_input</c>.
/// </summary>
/// <param name="Id">The client's own id, which then is an idempotency key; one of ours when absent.</param>
/// <param name="CreatedAt">Now when absent.</param>
/// <param name="RequestLatencyMs">Milliseconds; 0 when absent.</param>
/// <param name="Status">succeeded, failed or cancelled; succeeded when absent.</param>
/// <param name="Metadata">Names and values; a value that is no text is kept as its JSON.</param>
public sealed record EpisodeInput(
    string? Id,
    string? AgentId,
    string? UserInput,
    string? AssistantOutput,
    DateTimeOffset? CreatedAt,
    double? RequestLatencyMs,
    string? Status,
    string? ModelDeployment,
    string? SessionId,
    string? UserId,
    string? MessageId,
    string? TraceId,
    string? CorrelationId,
    string? Intent,
    string? Persona,
    string? Error,
    double? TimeToFirstTokenMs,
    bool? Internal,
    string? Action,
    double? ActionLogProbability,
    string? InputKey,
    IReadOnlyList<EpisodeToolCall?>? ToolCalls,
    IReadOnlyList<EpisodeMessage?>? Messages,
    EpisodeTokens? Tokens,
    IReadOnlyList<string?>? Tags,
    TokenUsage? TokenUsage,
    IReadOnlyDictionary<string, JsonElement>? Metadata
);
