using AgentLightning.Traces.Reading;

namespace AgentLightning.Traces.Dialects;

/// <summary>Google's Agent Development Kit: the request and the response of Gemini as JSON, and the tools' arguments and answers.</summary>
internal sealed class GoogleAdk : ITraceDialect
{
    public string Name => "Google ADK";

    public IReadOnlyList<string> Attributes { get; } = ["gcp.vertex.agent."];

    public MessageSide InputOf(SpanView span) => MessageForms.Of(span.Attribute("gcp.vertex.agent.llm_request"), "user");

    public MessageSide OutputOf(SpanView span) => MessageForms.Of(span.Attribute("gcp.vertex.agent.llm_response"), "assistant");

    public ToolTexts ToolOf(SpanView span) =>
        new(
            null,
            span.Text("gcp.vertex.agent.tool_call_args"),
            span.Attribute("gcp.vertex.agent.tool_response") is { } result ? MessageForms.ResultOf(result) : null
        );
}
