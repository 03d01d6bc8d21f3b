using AgentLightning.Traces.Reading;

namespace AgentLightning.Traces.Dialects;

/// <summary>
/// Strands Agents: the events of <see cref="GenAiEvents"/> with Bedrock's content blocks in their texts (<c>{"text"}</c>,
/// <c>{"toolUse"}</c>, <c>{"toolResult"}</c>). A cycle of its loop repeats the messages of the call in it and is none itself.
/// </summary>
internal sealed class Strands : ITraceDialect
{
    public string Name => "Strands Agents";

    public IReadOnlyList<string> Attributes { get; } = ["event_loop.", "tool.status", "tool_schema"];

    public SpanRole? RoleOf(SpanView span) =>
        span.Attribute("event_loop.cycle_id") is not null && span.Attribute("gen_ai.operation.name") is null ? SpanRole.Other : null;
}
