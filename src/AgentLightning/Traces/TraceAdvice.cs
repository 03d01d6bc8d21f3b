using AgentLightning.Traces.Dialects;

namespace AgentLightning.Traces;

/// <summary>Says how to mend what the diagnostics found. Who sent a span matters only here: each library has its own switch.</summary>
internal static class TraceAdvice
{
    /// <summary>The beginning of the scope's name, and the switch that makes the library send messages.</summary>
    private static readonly (string Scope, string Switch)[] s_switches =
    [
        (
            "Experimental.Microsoft.Extensions.AI",
            "Microsoft.Extensions.AI: .UseOpenTelemetry(configure: client => client.EnableSensitiveData = true), or set "
                + "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true."
        ),
        (
            "Experimental.Microsoft.Agents.AI",
            "Microsoft Agent Framework: .UseOpenTelemetry(configure: agent => agent.EnableSensitiveData = true) on the agent, or set "
                + "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true."
        ),
        (
            "Microsoft.SemanticKernel",
            "Semantic Kernel: AppContext.SetSwitch(\"Microsoft.SemanticKernel.Experimental.GenAI.EnableOTelDiagnosticsSensitive\", true) "
                + "before the kernel is made."
        ),
        (
            "OpenAI.",
            "OpenAI .NET: AppContext.SetSwitch(\"OpenAI.Experimental.EnableOpenTelemetry\", true) turns its spans on, but they carry no "
                + "messages. Wrap the client with Microsoft.Extensions.AI's .AsIChatClient().AsBuilder().UseOpenTelemetry(configure: "
                + "client => client.EnableSensitiveData = true)."
        ),
        ("Azure.", "Azure.AI: set AZURE_TRACING_GEN_AI_CONTENT_RECORDING_ENABLED=true."),
        ("azure.", "Azure.AI: set AZURE_TRACING_GEN_AI_CONTENT_RECORDING_ENABLED=true."),
        (
            "ai",
            "Vercel AI SDK: experimental_telemetry: { isEnabled: true, recordInputs: true, recordOutputs: true, functionId: \"…\", "
                + "metadata: { sessionId, userId } }."
        ),
        ("pydantic-ai", "Pydantic AI: InstrumentationSettings(include_content=True), which is its default."),
        (
            "openinference.",
            "OpenInference: leave OPENINFERENCE_HIDE_INPUTS and OPENINFERENCE_HIDE_OUTPUTS unset, or TraceConfig(hide_inputs=False, "
                + "hide_outputs=False)."
        ),
        ("langsmith", "LangSmith: leave LANGSMITH_HIDE_INPUTS and LANGSMITH_HIDE_OUTPUTS unset."),
        (
            "opentelemetry.instrumentation.",
            "Set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true (OpenLLMetry: TRACELOOP_TRACE_CONTENT=true). The older ones send "
                + "messages as log records: send logs to this server too, with OTEL_LOGS_EXPORTER=otlp."
        ),
    ];

    public static IEnumerable<string> Of(
        IReadOnlyList<TraceSource> sources,
        IReadOnlyList<TraceRefusal> refused,
        IReadOnlyList<UnreadText> unread
    )
    {
        if (sources.Count == 0)
        {
            yield return refused.Count == 0
                ? "Nothing was received. Set OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4747 and "
                    + "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf where the agent runs, and flush the exporter before the process ends."
                : "Requests came, and nothing in them could be kept: see what was rejected. The exporter must speak OTLP over HTTP "
                    + "(http/protobuf or http/json), or gRPC to an address of --otlp-grpc-urls.";
        }

        if (sources.Any(source => source.Spans > 0) && sources.All(source => source.GenaiSpans == 0))
        {
            yield return "Spans came, but none with attributes of GenAI, OpenInference or a framework that is known, so that no episode "
                + "can be read out of them. Add the sources of your libraries to the tracer: "
                + "AddSource(\"Experimental.Microsoft.Extensions.AI\", \"Experimental.Microsoft.Agents.AI\", "
                + "\"Microsoft.SemanticKernel*\", \"OpenAI.*\", \"Azure.*\").";
        }

        foreach (var source in sources.Where(source => source.Missing.ContainsKey("content")))
        {
            yield return $"{NameOf(source)}: {source.Missing["content"]} of {source.InferenceSpans} calls of a model came without "
                + $"messages. {SwitchOf(source.Scope)}";
        }

        foreach (var one in unread)
        {
            yield return $"{NameOf(one.Service, one.Scope)}: '{one.Attribute}' holds text on {one.Count} spans, which no dialect reads, "
                + "and the episodes of their traces lack a text. Send it as gen_ai.input.messages or gen_ai.output.messages. Read are: "
                + $"{string.Join(", ", TraceDialects.All.Select(dialect => dialect.Name))}.";
        }

        foreach (var source in sources)
        {
            foreach (
                var (what, how) in new[]
                {
                    ("model", "set gen_ai.request.model"),
                    ("usage", "set gen_ai.usage.input_tokens and gen_ai.usage.output_tokens"),
                    (
                        "session",
                        "set gen_ai.conversation.id or session.id; ChatOptions.ConversationId does it in Microsoft.Extensions.AI, "
                            + "metadata.sessionId in the AI SDK, thread_id in LangChain"
                    ),
                }
            )
            {
                if (source.Missing.TryGetValue(what, out var count) && count == source.InferenceSpans)
                {
                    yield return $"{NameOf(source)}: no call of a model tells the {what}: {how}.";
                }
            }
        }
    }

    public static IEnumerable<string> Of(FailedTraces failed)
    {
        if (failed.Newest is [{ } newest, ..])
        {
            yield return $"{failed.Count} traces came whole, but have no episode. The newest is {newest.TraceId} of agent "
                + $"{newest.AgentId}: {newest.Reason}";
        }
    }

    private static string SwitchOf(string scope) =>
        Array
            .Find(s_switches, one => one.Scope.Length <= 2 ? scope == one.Scope : scope.StartsWith(one.Scope, StringComparison.Ordinal))
            .Switch
        ?? "Set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true and OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental, or "
            + "the switch of the library that captures content.";

    private static string NameOf(TraceSource source) => NameOf(source.Service, source.Scope);

    private static string NameOf(string service, string scope) =>
        $"{(service.Length == 0 ? "(no service.name)" : service)}, {(scope.Length == 0 ? "(no scope)" : scope)}";
}
