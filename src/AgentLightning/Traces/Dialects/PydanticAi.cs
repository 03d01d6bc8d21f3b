using System.Text.Json;
using AgentLightning.Episodes;
using AgentLightning.Traces.Reading;

namespace AgentLightning.Traces.Dialects;

/// <summary>
/// Pydantic AI and Logfire's own instrumentations. Version 1 writes a call's messages into <c>events</c> and the run's into
/// <c>all_messages_events</c>, each with its <c>event.name</c>; version 2 writes <c>pydantic_ai.all_messages</c> in the parts of GenAI. The
/// answer of a run is <c>final_result</c>. Tools have <c>tool_arguments</c> and <c>tool_response</c>.
/// </summary>
internal sealed class PydanticAi : ITraceDialect
{
    public string Name => "Pydantic AI";

    public IReadOnlyList<string> Attributes { get; } =
    [
        "all_messages_events",
        "events",
        "final_result",
        "agent_name",
        "model_name",
        "model_request_parameters",
        "tool_arguments",
        "tool_response",
        "request_data",
        "response_data",
        "pydantic_ai.",
        "logfire.",
    ];

    public MessageSide InputOf(SpanView span)
    {
        if (Events(span.Attribute("events")) is { Count: > 0 } events)
        {
            return new MessageSide([.. events.Where(one => !one.IsChoice).Select(one => one.Message)]);
        }

        if (Conversation(span) is { Count: > 0 } all)
        {
            // The run's own answer is the last of it.
            return new MessageSide(all[^1].Role == "assistant" ? all[..^1] : all);
        }

        return span.Attribute("request_data") is { } request ? MessageForms.Of(request, "user") : MessageSide.Empty;
    }

    public MessageSide OutputOf(SpanView span)
    {
        if (Events(span.Attribute("events")) is { Count: > 0 } events)
        {
            return new MessageSide([.. events.Where(one => one.IsChoice).Select(one => one.Message)]);
        }

        if (span.Text("final_result") is { Length: > 0 } result)
        {
            return new MessageSide([new EpisodeMessage("assistant", result)]);
        }

        return Conversation(span) is { Count: > 0 } all && all[^1].Role == "assistant" ? new MessageSide([all[^1]])
            : span.Attribute("response_data") is { } response ? MessageForms.Of(response, "assistant")
            : MessageSide.Empty;
    }

    public ToolTexts ToolOf(SpanView span) =>
        new(null, span.Text("tool_arguments"), span.Attribute("tool_response") is { } result ? MessageForms.ResultOf(result) : null);

    public string? ModelOf(SpanView span) => span.Text("model_name");

    private static List<EpisodeMessage> Conversation(SpanView span) =>
        Events(span.Attribute("all_messages_events")) is { Count: > 0 } events ? events.ConvertAll(one => one.Message)
        : MessageForms.Of(span.Attribute("pydantic_ai.all_messages"), "user") is { IsRaw: false } all ? all.Messages
        : [];

    /// <summary>A list of events in a text; anything else that is called so is none of ours.</summary>
    private static List<(EpisodeMessage Message, bool IsChoice)> Events(JsonElement? given)
    {
        if (given is not { } value || SpanView.Parsed(value) is not { ValueKind: JsonValueKind.Array } list)
        {
            return [];
        }

        return
        [
            .. from one in list.EnumerateArray()
            let name = MessageForms.Text(one, "event.name")
            where
                name
                    is "gen_ai.choice"
                        or "gen_ai.user.message"
                        or "gen_ai.system.message"
                        or "gen_ai.assistant.message"
                        or "gen_ai.tool.message"
            from message in MessageForms.OfMessage(one, name == "gen_ai.choice" ? "assistant" : name.Split('.')[1])
            select (message, name == "gen_ai.choice"),
        ];
    }
}
