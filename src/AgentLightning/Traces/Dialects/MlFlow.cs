using AgentLightning.Traces.Reading;

namespace AgentLightning.Traces.Dialects;

/// <summary>MLflow's tracing: inputs, outputs and kind of each span as JSON in a text.</summary>
internal sealed class MlFlow : ITraceDialect
{
    public string Name => "MLflow";

    public IReadOnlyList<string> Attributes { get; } = ["mlflow."];

    public SpanRole? RoleOf(SpanView span) =>
        span.Text("mlflow.spanType")?.Trim('"') switch
        {
            null => null,
            "CHAT_MODEL" or "LLM" => SpanRole.Inference,
            "TOOL" => SpanRole.Tool,
            "RETRIEVER" => SpanRole.Retrieval,
            _ => SpanRole.Other,
        };

    public MessageSide InputOf(SpanView span) => MessageForms.Of(span.Attribute("mlflow.spanInputs"), "user");

    public MessageSide OutputOf(SpanView span) => MessageForms.Of(span.Attribute("mlflow.spanOutputs"), "assistant");

    public ToolTexts ToolOf(SpanView span) =>
        new(
            null,
            span.Text("mlflow.spanInputs"),
            span.Attribute("mlflow.spanOutputs") is { } result ? MessageForms.ResultOf(result) : null
        );
}
