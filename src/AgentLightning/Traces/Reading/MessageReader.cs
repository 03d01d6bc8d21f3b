using System.Globalization;
using System.Text.Json;
using AgentLightning.Episodes;

namespace AgentLightning.Traces.Reading;

/// <summary>The messages that a span tells of: what went in, and what came out.</summary>
internal sealed record SpanMessages(List<EpisodeMessage> Input, List<EpisodeMessage> Output)
{
    public bool IsEmpty => Input.Count == 0 && Output.Count == 0;
}

/// <summary>
/// Reads messages in every form they are sent in, the newest names first: <c>gen_ai.input.messages</c>; message events;
/// <c>gen_ai.prompt.N.*</c>; OpenInference's <c>llm.input_messages.N.*</c>; plain input and output. The first that is there counts, for
/// each side by itself.
/// </summary>
internal static class MessageReader
{
    public static SpanMessages Read(SpanView span)
    {
        var (fromEvents, toEvents) = OfEvents(span);
        List<EpisodeMessage> input = First(
            () => [.. System(span), .. Listed(span.Attribute("gen_ai.input.messages"), "user")],
            () => fromEvents,
            () => Indexed(span, "gen_ai.prompt.", "user"),
            () => Listed(span.Attribute("gen_ai.prompt"), "user"),
            () => Indexed(span, "llm.input_messages.", "user"),
            () => Listed(span.Attribute("input.value"), "user")
        );
        var output = First(
            () => Listed(span.Attribute("gen_ai.output.messages"), "assistant"),
            () => toEvents,
            () => Indexed(span, "gen_ai.completion.", "assistant"),
            () => Listed(span.Attribute("gen_ai.completion"), "assistant"),
            () => Indexed(span, "llm.output_messages.", "assistant"),
            () => Listed(span.Attribute("output.value"), "assistant")
        );
        return new SpanMessages(input, output);
    }

    private static List<EpisodeMessage> First(params ReadOnlySpan<Func<List<EpisodeMessage>>> ways)
    {
        foreach (var way in ways)
        {
            // Instructions alone are no conversation: an older form may hold it.
            if (way() is { Count: > 0 } found && found.Exists(message => message.Role != "system"))
            {
                return found;
            }
        }

        return [];
    }

    private static List<EpisodeMessage> System(SpanView span) =>
        span.Attribute("gen_ai.system_instructions") is { } instructions
            ? [.. Listed(instructions, "system").Select(message => message with { Role = "system" })]
            : [];

    /// <summary>A list of messages or parts, as values or as JSON in a text; a text that is neither is one message.</summary>
    private static List<EpisodeMessage> Listed(JsonElement? given, string role)
    {
        if (given is not { } value)
        {
            return [];
        }

        var list = SpanView.Parsed(value);
        if (
            list.ValueKind == JsonValueKind.Object
            && list.TryGetProperty("messages", out var inner)
            && inner.ValueKind == JsonValueKind.Array
        )
        {
            list = inner;
        }

        if (list.ValueKind != JsonValueKind.Array)
        {
            return list.ValueKind == JsonValueKind.Object && IsMessage(list)
                ? [.. OfMessage(list, role)]
                : [new EpisodeMessage(role, SpanView.TextOf(value))];
        }

        List<JsonElement> items = [.. list.EnumerateArray()];
        return items.Exists(IsMessage)
                ? [.. items.Where(item => item.ValueKind == JsonValueKind.Object).SelectMany(item => OfMessage(item, role))]
            : items.Count == 0 ? []
            : [.. OfParts(items, role, null, null, [])];

        static bool IsMessage(JsonElement item) =>
            item.ValueKind == JsonValueKind.Object
            && (item.TryGetProperty("role", out _) || item.TryGetProperty("parts", out _) || item.TryGetProperty("message", out _));
    }

    private static IEnumerable<EpisodeMessage> OfMessage(JsonElement message, string defaultRole)
    {
        if (Member(message, "message") is { ValueKind: JsonValueKind.Object } inner)
        {
            message = inner;
        }

        var role = Text(message, "role") ?? defaultRole;
        var (name, callId) = (Text(message, "name"), Text(message, "tool_call_id") ?? (role == "tool" ? Text(message, "id") : null));
        var calls = Member(message, "tool_calls") is { } list ? CallsOf(SpanView.Parsed(list)) : [];
        var content = Member(message, "parts") ?? Member(message, "content");
        return content is { } parts && SpanView.Parsed(parts) is { ValueKind: JsonValueKind.Array } array
            ? OfParts([.. array.EnumerateArray()], role, name, callId, calls)
            :
            [
                new EpisodeMessage(
                    role,
                    content is { ValueKind: not JsonValueKind.Null } text ? SpanView.TextOf(text) : null,
                    name,
                    callId,
                    calls.Count == 0 ? null : calls
                ),
            ];
    }

    /// <summary>Parts of one message: texts are joined, calls are its calls, and each answer of a tool is a message of its own.</summary>
    private static IEnumerable<EpisodeMessage> OfParts(
        List<JsonElement> parts,
        string role,
        string? name,
        string? callId,
        List<MessageToolCall> calls
    )
    {
        var (texts, answers, others) = (new List<string>(), new List<EpisodeMessage>(), false);
        foreach (var part in parts)
        {
            switch (part.ValueKind == JsonValueKind.Object ? Text(part, "type") ?? "text" : "text")
            {
                case "text" or "input_text" or "output_text":
                    texts.Add(
                        part.ValueKind == JsonValueKind.Object ? Text(part, "content") ?? Text(part, "text") ?? "" : SpanView.TextOf(part)
                    );
                    break;
                case "tool_call" or "server_tool_call":
                    calls.Add(new MessageToolCall(Text(part, "id"), Text(part, "name") ?? "", Text(part, "arguments")));
                    break;
                case "tool_call_response" or "server_tool_call_response":
                    // The examples of the convention write both names.
                    answers.Add(
                        new EpisodeMessage("tool", Text(part, "response") ?? Text(part, "result"), Text(part, "name"), Text(part, "id"))
                    );
                    break;
                case "reasoning":
                    break;
                default:
                    others = true;
                    break;
            }
        }

        var content =
            others ? $"[{string.Join(',', parts.Select(part => part.GetRawText()))}]"
            : texts.Count == 0 ? null
            : string.Join('\n', texts);
        return content is null && calls.Count == 0 && answers.Count > 0
            ? answers
            : [new EpisodeMessage(role, content, name, callId, calls.Count == 0 ? null : calls), .. answers];
    }

    private static List<MessageToolCall> CallsOf(JsonElement list) =>
        list.ValueKind != JsonValueKind.Array
            ? []
            :
            [
                .. list.EnumerateArray()
                    .Where(call => call.ValueKind == JsonValueKind.Object)
                    .Select(call =>
                    {
                        var function = Member(call, "function") is { ValueKind: JsonValueKind.Object } inner ? inner : call;
                        return new MessageToolCall(Text(call, "id"), Text(function, "name") ?? "", Text(function, "arguments"));
                    }),
            ];

    /// <summary>The older message events, of the span or as log records, in the order of their times.</summary>
    private static (List<EpisodeMessage> Input, List<EpisodeMessage> Output) OfEvents(SpanView span)
    {
        var (input, output) = (new List<EpisodeMessage>(), new List<EpisodeMessage>());
        foreach (var one in span.Events.OrderBy(one => one.Nanos))
        {
            switch (one.Name)
            {
                case "gen_ai.system.message" or "gen_ai.user.message" or "gen_ai.assistant.message" or "gen_ai.tool.message":
                    input.AddRange(OfMessage(ContentOf(one), one.Name.Split('.')[1]));
                    break;
                case "gen_ai.choice":
                    output.AddRange(OfMessage(ContentOf(one), "assistant"));
                    break;
                case "gen_ai.content.prompt":
                    input.AddRange(Listed(Member(one.Attributes, "gen_ai.prompt"), "user"));
                    break;
                case "gen_ai.content.completion":
                    output.AddRange(Listed(Member(one.Attributes, "gen_ai.completion"), "assistant"));
                    break;
            }
        }

        return (input, output);
    }

    private static JsonElement ContentOf(EventView one)
    {
        var content =
            one.Body is { } body ? SpanView.Parsed(body)
            : Member(one.Attributes, "gen_ai.event.content") is { } text ? SpanView.Parsed(text)
            : one.Attributes;
        return content.ValueKind == JsonValueKind.Object
            ? content
            : JsonSerializer.SerializeToElement(new { content = SpanView.TextOf(content) });
    }

    /// <summary>Attributes such as <c>gen_ai.prompt.0.content</c>, and <c>llm.input_messages.0.message.content</c>.</summary>
    private static List<EpisodeMessage> Indexed(SpanView span, string prefix, string defaultRole)
    {
        var messages = new SortedDictionary<int, Dictionary<string, JsonElement>>();
        foreach (var (rest, value) in span.Under(prefix))
        {
            var dot = rest.IndexOf('.', StringComparison.Ordinal);
            if (dot > 0 && int.TryParse(rest.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            {
                var path = rest[(dot + 1)..];
                (messages.TryGetValue(index, out var fields) ? fields : messages[index] = [])[
                    path.StartsWith("message.", StringComparison.Ordinal) ? path["message.".Length..] : path
                ] = value;
            }
        }

        return [.. messages.Values.Select(fields => OfFields(fields, defaultRole))];
    }

    private static EpisodeMessage OfFields(Dictionary<string, JsonElement> fields, string defaultRole)
    {
        var calls = new SortedDictionary<int, MessageToolCall>();
        var texts = new SortedDictionary<int, string>();
        foreach (var (path, value) in fields)
        {
            var parts = path.Split('.');
            if (
                parts.Length >= 3
                && parts[0] is "tool_calls" or "contents"
                && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            )
            {
                if (parts[0] == "contents" && parts[^1] == "text")
                {
                    texts[index] = SpanView.TextOf(value);
                }
                else if (parts[0] == "tool_calls")
                {
                    var call = calls.GetValueOrDefault(index) ?? new MessageToolCall(null, "", null);
                    calls[index] = parts[^1] switch
                    {
                        "id" => call with { Id = SpanView.TextOf(value) },
                        "name" => call with { Name = SpanView.TextOf(value) },
                        "arguments" => call with { Arguments = SpanView.TextOf(value) },
                        _ => call,
                    };
                }
            }
        }

        return new EpisodeMessage(
            One("role") ?? defaultRole,
            One("content") ?? (texts.Count == 0 ? null : string.Join('\n', texts.Values)),
            One("name"),
            One("tool_call_id"),
            calls.Count == 0 ? null : [.. calls.Values]
        );

        string? One(string name) =>
            fields.TryGetValue(name, out var value) && value.ValueKind != JsonValueKind.Null ? SpanView.TextOf(value) : null;
    }

    private static JsonElement? Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : null;

    private static string? Text(JsonElement element, string name) =>
        Member(element, name) is { ValueKind: not JsonValueKind.Null } value ? SpanView.TextOf(value) : null;
}
