using AgentLightning.Traces.Reading;

namespace AgentLightning.Traces.Dialects;

/// <summary>Langfuse's own clients: input, output, kind and usage of each observation.</summary>
internal sealed class Langfuse : ITraceDialect
{
    public string Name => "Langfuse";

    public IReadOnlyList<string> Attributes { get; } = ["langfuse."];

    public SpanRole? RoleOf(SpanView span) =>
        span.Text("langfuse.observation.type") is { } kind
            ? kind switch
            {
                "generation" => SpanRole.Inference,
                "tool" => SpanRole.Tool,
                "retriever" => SpanRole.Retrieval,
                // A span of another instrumentation that only passes through.
                "span" => null,
                _ => SpanRole.Other,
            }
            : null;

    public MessageSide InputOf(SpanView span) =>
        MessageForms.Of(span.Attribute("langfuse.observation.input", "langfuse.trace.input"), "user");

    public MessageSide OutputOf(SpanView span) =>
        MessageForms.Of(span.Attribute("langfuse.observation.output", "langfuse.trace.output"), "assistant");

    public ToolTexts ToolOf(SpanView span) =>
        new(
            null,
            span.Text("langfuse.observation.input"),
            span.Attribute("langfuse.observation.output") is { } result ? MessageForms.ResultOf(result) : null
        );

    public string? ModelOf(SpanView span) => span.Text("langfuse.observation.model.name");

    public (double? Input, double? Output) TokensOf(SpanView span)
    {
        if (span.Attribute("langfuse.observation.usage_details") is not { } usage)
        {
            return (null, null);
        }

        var counts = SpanView.Parsed(usage);
        return (Count("input") ?? Count("prompt_tokens"), Count("output") ?? Count("completion_tokens"));

        double? Count(string name) => MessageForms.Member(counts, name) is { } value ? SpanView.NumberOf(value) : null;
    }
}
