using System.Text.Json;
using AgentLightning.Traces.Reading;

namespace AgentLightning.Traces.Dialects;

/// <summary>
/// OpenTelemetry's conventions for generative AI, as they are now: messages and instructions as attributes of the span, or of its
/// <c>gen_ai.client.inference.operation.details</c>. Since 0.1.0 of their own repository a workflow is an <c>invoke_agent</c> too, and
/// <c>top_k</c> is a whole number; before, it was written as one with a point.
/// </summary>
internal sealed class GenAi : ITraceDialect
{
    public string Name => "OpenTelemetry GenAI";

    public IReadOnlyList<string> Attributes { get; } =
    [
        "gen_ai.agent.",
        "gen_ai.conversation.",
        "gen_ai.data_source.",
        "gen_ai.embeddings.",
        "gen_ai.input.messages",
        "gen_ai.operation.",
        "gen_ai.output.messages",
        "gen_ai.output.type",
        "gen_ai.provider.",
        "gen_ai.request.",
        "gen_ai.response.",
        "gen_ai.retrieval.",
        "gen_ai.system",
        "gen_ai.system_instructions",
        "gen_ai.tool.",
        "gen_ai.usage.",
        "gen_ai.workflow.",
    ];

    public SpanRole? RoleOf(SpanView span) =>
        span.Text("gen_ai.operation.name") is { } operation
            ? operation switch
            {
                "chat" or "text_completion" or "generate_content" or "chat.completions" or "text.completions" => SpanRole.Inference,
                "execute_tool" => SpanRole.Tool,
                "retrieval" => SpanRole.Retrieval,
                _ => SpanRole.Other,
            }
        : span.Attribute("openinference.span.kind") is null && span.Attribute("gen_ai.tool.name") is not null ? SpanRole.Tool
        : null;

    public MessageSide InputOf(SpanView span)
    {
        var messages = MessageForms.Of(span.Attribute("gen_ai.input.messages"), "user");
        return !messages.IsEmpty && span.Attribute("gen_ai.system_instructions") is { } instructions
            ? messages.After(MessageForms.Of(instructions, "system").Messages.Select(message => message with { Role = "system" }))
            : messages;
    }

    public MessageSide OutputOf(SpanView span) => MessageForms.Of(span.Attribute("gen_ai.output.messages"), "assistant");

    public ToolTexts ToolOf(SpanView span) =>
        span.Text("gen_ai.operation.name") == "retrieval"
            ? new ToolTexts(
                span.Text("gen_ai.data_source.id") is { } source ? $"retrieval {source}" : "retrieval",
                Query(span),
                span.Text("gen_ai.retrieval.documents")
            )
            : new ToolTexts(
                span.Text("gen_ai.tool.name"),
                span.Text("gen_ai.tool.call.arguments", "gen_ai.tool.arguments"),
                span.Attribute("gen_ai.tool.call.result") is { } result ? MessageForms.ResultOf(result) : null
            );

    public string? ModelOf(SpanView span) => span.Text("gen_ai.response.model", "gen_ai.request.model");

    public string? ProviderOf(SpanView span) => span.Text("gen_ai.provider.name", "gen_ai.system");

    public (double? Input, double? Output) TokensOf(SpanView span) =>
        (
            span.Number("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
            span.Number("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens")
        );

    public double? MillisecondsToFirstToken(SpanView span) => span.Number("gen_ai.response.time_to_first_chunk") * 1000;

    private static string? Query(SpanView span)
    {
        var (query, most) = (span.Text("gen_ai.retrieval.query.text"), span.Number("gen_ai.retrieval.top_k", "gen_ai.request.top_k"));
        return query is null && most is null
            ? null
            : JsonSerializer.Serialize(
                new Dictionary<string, object?> { ["query"] = query, ["top_k"] = most }
                    .Where(pair => pair.Value is not null)
                    .ToDictionary(),
                Common.LightningJson.Options
            );
    }
}
