using System.Collections.Frozen;

namespace AgentLightning.Traces.Otlp;

/// <summary>Attributes whose value is looked at when a span is taken in. Everything else is only kept.</summary>
internal enum KnownAttribute
{
    None,
    LightningAgent,
    AgentName,
    AgentId,
    OpenInferenceAgent,

    /// <summary>What a framework calls the agent or the function, in names of its own.</summary>
    FrameworkAgent,
    ServiceName,
    Session,
    User,
    Operation,
    OpenInferenceKind,
    EventName,
    Response,
}

/// <summary>What the name of an attribute tells. The name decides, and never who sent it.</summary>
internal static class KnownAttributes
{
    private static readonly FrozenDictionary<string, KnownAttribute> s_known = new Dictionary<string, KnownAttribute>
    {
        ["agentlightning.agent_id"] = KnownAttribute.LightningAgent,
        ["gen_ai.agent.name"] = KnownAttribute.AgentName,
        ["gen_ai.agent.id"] = KnownAttribute.AgentId,
        ["agent.name"] = KnownAttribute.OpenInferenceAgent,
        ["agent_name"] = KnownAttribute.FrameworkAgent,
        ["ai.telemetry.functionId"] = KnownAttribute.FrameworkAgent,
        ["langsmith.metadata.lc_agent_name"] = KnownAttribute.FrameworkAgent,
        ["service.name"] = KnownAttribute.ServiceName,
        ["session.id"] = KnownAttribute.Session,
        ["gen_ai.conversation.id"] = KnownAttribute.Session,
        ["ai.telemetry.metadata.sessionId"] = KnownAttribute.Session,
        ["ai.telemetry.metadata.session_id"] = KnownAttribute.Session,
        ["ai.settings.context.sessionId"] = KnownAttribute.Session,
        ["ai.telemetry.metadata.threadId"] = KnownAttribute.Session,
        ["ai.telemetry.metadata.conversationId"] = KnownAttribute.Session,
        ["ai.telemetry.metadata.chatId"] = KnownAttribute.Session,
        ["langsmith.metadata.session_id"] = KnownAttribute.Session,
        ["langsmith.metadata.thread_id"] = KnownAttribute.Session,
        ["langsmith.metadata.conversation_id"] = KnownAttribute.Session,
        ["langfuse.session.id"] = KnownAttribute.Session,
        ["traceloop.association.properties.session_id"] = KnownAttribute.Session,
        ["traceloop.association.properties.chat_id"] = KnownAttribute.Session,
        ["traceloop.association.properties.thread_id"] = KnownAttribute.Session,
        ["traceloop.association.properties.conversation_id"] = KnownAttribute.Session,
        ["gcp.vertex.agent.session_id"] = KnownAttribute.Session,
        ["user.id"] = KnownAttribute.User,
        ["enduser.id"] = KnownAttribute.User,
        ["ai.telemetry.metadata.userId"] = KnownAttribute.User,
        ["ai.settings.context.userId"] = KnownAttribute.User,
        ["ai.telemetry.metadata.user_id"] = KnownAttribute.User,
        ["langsmith.metadata.user_id"] = KnownAttribute.User,
        ["langfuse.user.id"] = KnownAttribute.User,
        ["traceloop.association.properties.user_id"] = KnownAttribute.User,
        ["gen_ai.operation.name"] = KnownAttribute.Operation,
        ["openinference.span.kind"] = KnownAttribute.OpenInferenceKind,
        ["event.name"] = KnownAttribute.EventName,
        ["gen_ai.response.id"] = KnownAttribute.Response,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, KnownAttribute>.AlternateLookup<ReadOnlySpan<char>> s_lookup =
        s_known.GetAlternateLookup<ReadOnlySpan<char>>();

    public static KnownAttribute Of(ReadOnlySpan<char> name) => s_lookup.TryGetValue(name, out var known) ? known : KnownAttribute.None;

    /// <summary>What a span has that has an attribute of this name.</summary>
    public static SpanMarks MarksOf(ReadOnlySpan<char> name)
    {
        if (name.StartsWith("gen_ai."))
        {
            var rest = name["gen_ai.".Length..];
            return SpanMarks.GenAi
                | (
                    rest switch
                    {
                        "request.model" or "response.model" => SpanMarks.Model,
                        "input.messages" or "output.messages" or "prompt" or "completion" or "tool.call.arguments" or "tool.call.result" =>
                            SpanMarks.Content,
                        "conversation.id" => SpanMarks.Session,
                        _ when rest.StartsWith("usage.") => SpanMarks.Usage,
                        _ when rest.StartsWith("prompt.") || rest.StartsWith("completion.") => (
                            rest.StartsWith("prompt.name") ? SpanMarks.None : SpanMarks.Content
                        ),
                        _ => SpanMarks.None,
                    }
                );
        }

        if (name.StartsWith("llm."))
        {
            var rest = name["llm.".Length..];
            return SpanMarks.OpenInference
                | (
                    rest switch
                    {
                        "model_name" => SpanMarks.Model,
                        _ when rest.StartsWith("token_count.") => SpanMarks.Usage,
                        _ when rest.StartsWith("input_messages.") || rest.StartsWith("output_messages.") => SpanMarks.Content,
                        _ => SpanMarks.None,
                    }
                );
        }

        if (OfFramework(name) is var framework and not SpanMarks.None)
        {
            return framework;
        }

        return name switch
        {
            "input.value" or "output.value" => SpanMarks.OpenInference | SpanMarks.Content,
            "openinference.span.kind" => SpanMarks.OpenInference,
            "session.id" => SpanMarks.Session,
            "agentlightning.agent_id" => SpanMarks.None,
            "agentlightning.message.body" => SpanMarks.Lightning | SpanMarks.Content,
            _ when name.StartsWith("agentlightning.reward") => SpanMarks.Lightning | SpanMarks.Score,
            _ when name.StartsWith("agentlightning.operation.") || name.StartsWith("agentlightning.object.") => SpanMarks.Lightning
                | SpanMarks.Content,
            _ => SpanMarks.None,
        };
    }

    /// <summary>The names of the frameworks that have their own; which is whose is said in <see cref="Dialects.TraceDialects"/>.</summary>
    private static SpanMarks OfFramework(ReadOnlySpan<char> name) =>
        name.Length == 0
            ? SpanMarks.None
            : (
                name[0] switch
                {
                    'a' when name.StartsWith("ai.") => name["ai.".Length..] switch
                    {
                        "prompt"
                        or "prompt.messages"
                        or "response.text"
                        or "response.object"
                        or "response.toolCalls"
                        or "toolCall.args"
                        or "toolCall.result" => SpanMarks.Framework | SpanMarks.Content,
                        "telemetry.functionId" => SpanMarks.None,
                        "telemetry.metadata.sessionId" => SpanMarks.Framework | SpanMarks.Session,
                        _ => SpanMarks.Framework,
                    },
                    'a' when name is "all_messages_events" => SpanMarks.Framework | SpanMarks.Content,
                    'e' when name is "events" => SpanMarks.Content,
                    'f' when name is "final_result" => SpanMarks.Framework | SpanMarks.Content,
                    'g' when name.StartsWith("gcp.vertex.agent.") => SpanMarks.Framework
                        | (name.Contains("llm_", StringComparison.Ordinal) ? SpanMarks.Content : SpanMarks.None),
                    'g' when name.StartsWith("genkit:") => SpanMarks.Framework
                        | (name is "genkit:input" or "genkit:output" ? SpanMarks.Content : SpanMarks.None),
                    'l' when name.StartsWith("langfuse.observation.") => SpanMarks.Framework
                        | (name.EndsWith(".input") || name.EndsWith(".output") ? SpanMarks.Content : SpanMarks.None),
                    'l' when name.StartsWith("langsmith.") => SpanMarks.Framework,
                    'm' when name.StartsWith("mlflow.span") => SpanMarks.Framework
                        | (name is "mlflow.spanInputs" or "mlflow.spanOutputs" ? SpanMarks.Content : SpanMarks.None),
                    'p' when name.StartsWith("pydantic_ai.") => SpanMarks.Framework | SpanMarks.Content,
                    't' when name is "tool_arguments" or "tool_response" => SpanMarks.Framework | SpanMarks.Content,
                    't' when name.StartsWith("traceloop.") => SpanMarks.Framework
                        | (name.StartsWith("traceloop.entity.") ? SpanMarks.Content : SpanMarks.None),
                    _ => SpanMarks.None,
                }
            );

    /// <summary>What a span has that has an event of this name, or a log record that is one.</summary>
    public static SpanMarks MarksOfEvent(ReadOnlySpan<char> name) =>
        name switch
        {
            "gen_ai.evaluation.result" => SpanMarks.GenAi | SpanMarks.Score,
            "gen_ai.system.message"
            or "gen_ai.user.message"
            or "gen_ai.assistant.message"
            or "gen_ai.tool.message"
            or "gen_ai.choice"
            or "gen_ai.content.prompt"
            or "gen_ai.content.completion"
            or "gen_ai.client.inference.operation.details" => SpanMarks.GenAi | SpanMarks.Content,
            _ when name.StartsWith("gen_ai.") => SpanMarks.GenAi,
            _ => SpanMarks.None,
        };
}
