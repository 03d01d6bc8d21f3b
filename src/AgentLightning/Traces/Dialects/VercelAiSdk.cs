using System.Text.Json;
using AgentLightning.Episodes;
using AgentLightning.Traces.Reading;

namespace AgentLightning.Traces.Dialects;

/// <summary>
/// The AI SDK of Vercel (<c>experimental_telemetry</c>), versions 3 to 6; version 7 writes
/// the names of <see cref="GenAi"/>. <c>ai.generateText</c> and its like hold the question and the
/// last answer, <c>….doGenerate</c> and <c>….doStream</c> each call of a model, <c>ai.toolCall</c> each tool.
/// </summary>
internal sealed class VercelAiSdk : ITraceDialect
{
    public string Name => "Vercel AI SDK";

    public IReadOnlyList<string> Attributes { get; } = ["ai.", "operation.name", "resource.name"];

    public SpanRole? RoleOf(SpanView span) =>
        span.Text("ai.operationId") is not { } operation ? null
        : operation == "ai.toolCall" ? SpanRole.Tool
        : operation.StartsWith("ai.embed", StringComparison.Ordinal) || operation.StartsWith("ai.rerank", StringComparison.Ordinal)
            ? SpanRole.Other
        : operation.EndsWith(".doGenerate", StringComparison.Ordinal) || operation.EndsWith(".doStream", StringComparison.Ordinal)
            ? SpanRole.Inference
        : SpanRole.Other;

    public MessageSide InputOf(SpanView span)
    {
        if (MessageForms.Of(span.Attribute("ai.prompt.messages"), "user") is { IsEmpty: false } messages)
        {
            return messages;
        }

        if (span.Attribute("ai.prompt") is not { } given || SpanView.Parsed(given) is not { ValueKind: JsonValueKind.Object } prompt)
        {
            return MessageForms.Of(span.Attribute("ai.prompt"), "user");
        }

        var side = MessageForms.Of(MessageForms.Member(prompt, "messages"), "user");
        side = side.IsEmpty ? MessageForms.Of(MessageForms.Member(prompt, "prompt"), "user") : side;
        return MessageForms.Text(prompt, "system") is { Length: > 0 } system ? side.After([new EpisodeMessage("system", system)]) : side;
    }

    public MessageSide OutputOf(SpanView span)
    {
        var text = span.Text("ai.response.text", "ai.result.text") is { Length: > 0 } said
            ? said
            : span.Text("ai.response.object", "ai.result.object");
        var calls = span.Attribute("ai.response.toolCalls", "ai.result.toolCalls") is { } list
            ? MessageForms.CallsOf(SpanView.Parsed(list))
            : [];
        return text is null && calls.Count == 0
            ? MessageSide.Empty
            : new MessageSide([new EpisodeMessage("assistant", text, ToolCalls: calls.Count == 0 ? null : calls)]);
    }

    public ToolTexts ToolOf(SpanView span) =>
        new(
            span.Text("ai.toolCall.name"),
            span.Text("ai.toolCall.args", "ai.toolCall.input"),
            span.Attribute("ai.toolCall.result", "ai.toolCall.output") is { } result ? MessageForms.ResultOf(result) : null
        );

    public string? ModelOf(SpanView span) => span.Text("ai.response.model", "ai.model.id");

    public string? ProviderOf(SpanView span) => span.Text("ai.model.provider");

    public (double? Input, double? Output) TokensOf(SpanView span) =>
        (span.Number("ai.usage.inputTokens", "ai.usage.promptTokens"), span.Number("ai.usage.outputTokens", "ai.usage.completionTokens"));

    public double? MillisecondsToFirstToken(SpanView span) => span.Number("ai.response.msToFirstChunk", "ai.stream.msToFirstChunk");
}
