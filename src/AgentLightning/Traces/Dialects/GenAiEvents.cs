using System.Text.Json;
using AgentLightning.Episodes;
using AgentLightning.Traces.Reading;

namespace AgentLightning.Traces.Dialects;

/// <summary>
/// The conventions of before: a message is an event of the span, or a log record that belongs to it. What <c>gen_ai.choice</c> says may
/// be a structure, JSON in a text, or the text itself in <c>message</c>.
/// </summary>
internal sealed class GenAiEvents : ITraceDialect
{
    public string Name => "OpenTelemetry GenAI events";

    public IReadOnlyList<string> Attributes { get; } = ["gen_ai.event.content"];

    public MessageSide InputOf(SpanView span) => Read(span, input: true);

    public MessageSide OutputOf(SpanView span) => Read(span, input: false);

    /// <summary>Whether a span that says nothing else has the messages of a call.</summary>
    public static bool IsCall(SpanView span) =>
        span.Events.Exists(one =>
            one.Name is "gen_ai.user.message" or "gen_ai.choice" or "gen_ai.content.prompt" or "gen_ai.content.completion"
        );

    private static MessageSide Read(SpanView span, bool input)
    {
        var messages = new List<EpisodeMessage>();
        foreach (var one in span.Events.OrderBy(one => one.Nanos))
        {
            messages.AddRange(
                (one.Name, input) switch
                {
                    ("gen_ai.system.message" or "gen_ai.user.message" or "gen_ai.assistant.message" or "gen_ai.tool.message", true) =>
                        MessageForms.OfMessage(ContentOf(one), one.Name.Split('.')[1]),
                    ("gen_ai.choice", false) => MessageForms.OfMessage(ContentOf(one), "assistant"),
                    ("gen_ai.content.prompt", true) => MessageForms
                        .Of(MessageForms.Member(one.Attributes, "gen_ai.prompt"), "user")
                        .Messages,
                    ("gen_ai.content.completion", false) => MessageForms
                        .Of(MessageForms.Member(one.Attributes, "gen_ai.completion"), "assistant")
                        .Messages,
                    _ => [],
                }
            );
        }

        return new MessageSide(messages);
    }

    private static JsonElement ContentOf(EventView one)
    {
        var content =
            one.Body is { } body ? SpanView.Parsed(body)
            : MessageForms.Member(one.Attributes, "gen_ai.event.content") is { } text ? SpanView.Parsed(text)
            : one.Attributes;
        return content.ValueKind == JsonValueKind.Object
            ? content
            : JsonSerializer.SerializeToElement(new { content = SpanView.TextOf(content) });
    }
}
