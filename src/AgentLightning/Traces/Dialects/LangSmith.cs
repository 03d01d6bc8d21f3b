using System.Text.Json;
using AgentLightning.Traces.Reading;

namespace AgentLightning.Traces.Dialects;

/// <summary>
/// LangSmith's exporter to OpenTelemetry: what a run took and gave is JSON in <c>gen_ai.prompt</c> and <c>gen_ai.completion</c>, in
/// LangChain's forms (see <see cref="LangChainForms"/>), and <c>langsmith.span.kind</c> says what the run was.
/// </summary>
internal sealed class LangSmith : ITraceDialect
{
    public string Name => "LangSmith";

    public IReadOnlyList<string> Attributes { get; } = ["langsmith.", "gen_ai.prompt", "gen_ai.completion", "gen_ai.serialized."];

    public SpanRole? RoleOf(SpanView span) =>
        span.Text("langsmith.span.kind") is { } kind
            ? kind.ToUpperInvariant() switch
            {
                "LLM" => SpanRole.Inference,
                "TOOL" => SpanRole.Tool,
                "RETRIEVER" => SpanRole.Retrieval,
                _ => SpanRole.Other,
            }
            : null;

    public MessageSide InputOf(SpanView span) => IsRun(span) ? MessageForms.Of(span.Attribute("gen_ai.prompt"), "user") : MessageSide.Empty;

    public MessageSide OutputOf(SpanView span) =>
        IsRun(span) ? MessageForms.Of(span.Attribute("gen_ai.completion"), "assistant") : MessageSide.Empty;

    public ToolTexts ToolOf(SpanView span) =>
        IsRun(span)
            ? new ToolTexts(
                span.Text("gen_ai.tool.name", "langsmith.trace.name", "gen_ai.serialized.name"),
                Inner(span.Attribute("gen_ai.prompt"), "input") is { } input ? SpanView.TextOf(input) : null,
                Inner(span.Attribute("gen_ai.completion"), "output", "documents") is { } output ? MessageForms.ResultOf(output) : null
            )
            : default;

    public string? ModelOf(SpanView span) => span.Text("langsmith.metadata.ls_model_name");

    public string? ProviderOf(SpanView span) => span.Text("langsmith.metadata.ls_provider");

    private static bool IsRun(SpanView span) => span.Attribute("langsmith.span.kind", "gen_ai.serialized.name") is not null;

    /// <summary>What is told under one of the names, or the whole where it is not told under a name.</summary>
    private static JsonElement? Inner(JsonElement? given, params ReadOnlySpan<string> names)
    {
        if (given is not { } value)
        {
            return null;
        }

        var parsed = SpanView.Parsed(value);
        foreach (var name in names)
        {
            if (MessageForms.Member(parsed, name) is { } inner)
            {
                return inner;
            }
        }

        return value;
    }
}
