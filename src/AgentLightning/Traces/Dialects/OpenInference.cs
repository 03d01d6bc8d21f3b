using System.Text.Json;
using AgentLightning.Traces.Reading;

namespace AgentLightning.Traces.Dialects;

/// <summary>
/// OpenInference (Arize Phoenix), the instrumentations of LangChain, LangGraph, LlamaIndex, CrewAI and others: numbered messages on calls,
/// and <c>input.value</c>, <c>output.value</c> on everything. The root of a graph holds its whole state there, in LangChain's forms.
/// </summary>
internal sealed class OpenInference : ITraceDialect
{
    public string Name => "OpenInference";

    public IReadOnlyList<string> Attributes { get; } =
    [
        "openinference.",
        "llm.",
        "input.",
        "output.",
        "tool.",
        "tool_call.",
        "retrieval.",
        "embedding.",
        "reranker.",
        "metadata",
        "tag.",
        "graph.",
        "session.",
        "agent.",
    ];

    public SpanRole? RoleOf(SpanView span) =>
        span.Text("openinference.span.kind") is { } kind
            ? kind.ToUpperInvariant() switch
            {
                "LLM" => SpanRole.Inference,
                "TOOL" => SpanRole.Tool,
                "RETRIEVER" => SpanRole.Retrieval,
                _ => SpanRole.Other,
            }
        : span.Attribute("tool.name") is not null ? SpanRole.Tool
        : null;

    public MessageSide InputOf(SpanView span) =>
        NumberedMessages.Read(span, "llm.input_messages.", "user") is { IsEmpty: false } numbered
            ? numbered
            : MessageForms.Of(span.Attribute("input.value"), "user");

    public MessageSide OutputOf(SpanView span) =>
        NumberedMessages.Read(span, "llm.output_messages.", "assistant") is { IsEmpty: false } numbered
            ? numbered
            : MessageForms.Of(span.Attribute("output.value"), "assistant");

    public ToolTexts ToolOf(SpanView span) =>
        new(
            span.Text("tool.name", "tool_call.function.name"),
            // tool.parameters is the schema to some, and the arguments to others.
            span.Text("tool_call.function.arguments", "input.value", "tool.parameters"),
            span.Attribute("output.value") is { } result ? MessageForms.ResultOf(result) : Documents(span)
        );

    public string? ModelOf(SpanView span) => span.Text("llm.model_name");

    public string? ProviderOf(SpanView span) => span.Text("llm.provider", "llm.system");

    public (double? Input, double? Output) TokensOf(SpanView span) =>
        (span.Number("llm.token_count.prompt"), span.Number("llm.token_count.completion"));

    private static string? Documents(SpanView span)
    {
        List<string> texts =
        [
            .. from attribute in span.Under("retrieval.documents.")
            where
                attribute.Name.EndsWith(".document.content", StringComparison.Ordinal) && attribute.Value.ValueKind == JsonValueKind.String
            select SpanView.TextOf(attribute.Value),
        ];
        return texts.Count == 0 ? null : string.Join('\n', texts);
    }
}
