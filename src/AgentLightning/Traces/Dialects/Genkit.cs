using AgentLightning.Traces.Reading;

namespace AgentLightning.Traces.Dialects;

/// <summary>Genkit: input and output of each action as JSON, and its kind in the metadata.</summary>
internal sealed class Genkit : ITraceDialect
{
    public string Name => "Genkit";

    public IReadOnlyList<string> Attributes { get; } = ["genkit:"];

    public SpanRole? RoleOf(SpanView span) =>
        span.Text("genkit:metadata:subtype") switch
        {
            null => null,
            "model" => SpanRole.Inference,
            "tool" => SpanRole.Tool,
            "retriever" => SpanRole.Retrieval,
            _ => SpanRole.Other,
        };

    public MessageSide InputOf(SpanView span) => MessageForms.Of(span.Attribute("genkit:input"), "user");

    public MessageSide OutputOf(SpanView span) => MessageForms.Of(span.Attribute("genkit:output"), "assistant");

    public ToolTexts ToolOf(SpanView span) =>
        new(
            span.Text("genkit:name"),
            span.Text("genkit:input"),
            span.Attribute("genkit:output") is { } result ? MessageForms.ResultOf(result) : null
        );
}
