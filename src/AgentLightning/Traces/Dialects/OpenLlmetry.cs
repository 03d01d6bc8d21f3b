using System.Text.Json;
using AgentLightning.Traces.Reading;

namespace AgentLightning.Traces.Dialects;

/// <summary>
/// OpenLLMetry (Traceloop): calls have <c>gen_ai.prompt.N.*</c> and <c>gen_ai.completion.N.*</c> (others write the two whole); workflows,
/// tasks, agents and tools what they took and gave as JSON in <c>traceloop.entity.input</c> and <c>.output</c>.
/// </summary>
internal sealed class OpenLlmetry : ITraceDialect
{
    public string Name => "OpenLLMetry";

    public IReadOnlyList<string> Attributes { get; } = ["traceloop.", "gen_ai.prompt.", "gen_ai.completion."];

    public SpanRole? RoleOf(SpanView span) =>
        span.Text("traceloop.span.kind") is { } kind ? (kind == "tool" ? SpanRole.Tool : SpanRole.Other) : null;

    public MessageSide InputOf(SpanView span) =>
        NumberedMessages.Read(span, "gen_ai.prompt.", "user") is { IsEmpty: false } numbered ? numbered
        : MessageForms.Of(span.Attribute("gen_ai.prompt"), "user") is { IsEmpty: false } whole ? whole
        : MessageForms.Of(Entity(span, "traceloop.entity.input", "inputs", "args"), "user");

    public MessageSide OutputOf(SpanView span) =>
        NumberedMessages.Read(span, "gen_ai.completion.", "assistant") is { IsEmpty: false } numbered ? numbered
        : MessageForms.Of(span.Attribute("gen_ai.completion"), "assistant") is { IsEmpty: false } whole ? whole
        : MessageForms.Of(Entity(span, "traceloop.entity.output", "outputs"), "assistant");

    public ToolTexts ToolOf(SpanView span) =>
        new(
            span.Text("traceloop.entity.name"),
            Entity(span, "traceloop.entity.input", "inputs", "input_str", "args", "kwargs") is { } input ? SpanView.TextOf(input) : null,
            Entity(span, "traceloop.entity.output", "outputs", "output") is { } output ? MessageForms.ResultOf(output) : null
        );

    /// <summary>What was taken or given, without what is wrapped around it; a text may be JSON of a text.</summary>
    private static JsonElement? Entity(SpanView span, string attribute, params ReadOnlySpan<string> names)
    {
        if (span.Attribute(attribute) is not { } value)
        {
            return null;
        }

        var parsed = SpanView.Parsed(value);
        if (parsed.ValueKind == JsonValueKind.String && SpanView.TextOf(parsed) is ['"', .., '"'] quoted)
        {
            try
            {
                using var document = JsonDocument.Parse(quoted);
                return document.RootElement.Clone();
            }
            catch (JsonException)
            {
                return parsed;
            }
        }

        foreach (var name in names)
        {
            // Arguments by place are empty where they are given by name.
            if (MessageForms.Member(parsed, name) is { } inner && !(inner.ValueKind == JsonValueKind.Array && inner.GetArrayLength() == 0))
            {
                return inner.ValueKind == JsonValueKind.Array && inner.GetArrayLength() == 1 && name == "args" ? inner[0] : inner;
            }
        }

        return value;
    }
}
