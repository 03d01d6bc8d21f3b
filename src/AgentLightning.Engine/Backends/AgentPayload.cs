using Microsoft.Extensions.AI;

namespace AgentLightning.Engine.Backends;

/// <summary>What a back end is asked, under the name that the protocol of <c>load_agent</c> gives it.</summary>
public sealed record AgentPayload
{
    public required string UserMessage { get; init; }

    /// <summary>What the model is told before the conversation; empty for nothing.</summary>
    public string SystemContext { get; init; } = "";

    /// <summary>What it is told about who asks; empty for nothing.</summary>
    public string UserProfile { get; init; } = "";

    /// <summary>Requests of one session are one conversation. Empty, the default, for a question that stands alone.</summary>
    public string SessionId { get; init; } = "";

    /// <summary>Functions that the model may ask for.</summary>
    public IReadOnlyList<AITool> Tools { get; init; } = [];

    /// <summary>The conversation so far; null, the default, is what the back end remembers of the session.</summary>
    public IReadOnlyList<ChatMessage>? Memory { get; init; }

    /// <summary><c>none</c> to <c>high</c>; null, the default, as the settings say.</summary>
    public string? ReasoningEffort { get; init; }

    /// <summary>Most tokens of the answer; null, the default, as the settings say.</summary>
    public int? MaxTokens { get; init; }
}

/// <summary>What a back end answers, under its name in that protocol.</summary>
/// <param name="Thinking">What the model thought aloud in tags such as <c>&lt;think&gt;</c>; empty when it did not.</param>
/// <param name="Response">Its answer without that.</param>
/// <param name="ToolCalls">Functions that it asks for.</param>
/// <param name="Usage">Tokens, where the back end counts them.</param>
public sealed record AgentResponse(string Thinking, string Response, IReadOnlyList<FunctionCallContent> ToolCalls, UsageDetails? Usage);
