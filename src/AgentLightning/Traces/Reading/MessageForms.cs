using System.Text.Json;
using AgentLightning.Episodes;

namespace AgentLightning.Traces.Reading;

/// <summary>
/// Reads messages out of a value, in whichever form of the providers and frameworks it is: a text; a message or a list of them; parts;
/// the request or response of a model; the state of a graph. As values, or as JSON in a text. Which attribute holds it is the matter of the
/// dialects. No value makes it throw.
/// </summary>
internal static class MessageForms
{
    /// <summary>Deeper than this is nothing that wraps messages.</summary>
    private const int Deepest = 8;

    /// <summary>Names under which something wraps messages, the first that is there counts.</summary>
    private static readonly string[] s_wrappers =
    [
        "messages",
        "generations",
        "choices",
        "candidates",
        "contents",
        "output",
        "outputs",
        "input",
        "inputs",
        "message",
        "content",
        "response",
        "update",
        "state",
        "data",
    ];

    /// <summary>Names under which a state or the arguments of a function hold one text.</summary>
    private static readonly string[] s_questions =
    [
        "question",
        "query",
        "prompt",
        "input",
        "user_input",
        "user_message",
        "text",
        "content",
    ];

    private static readonly string[] s_answers =
    [
        "answer",
        "output",
        "response",
        "result",
        "final_output",
        "generation",
        "output_text",
        "completion",
        "text",
        "content",
    ];

    /// <param name="role">Of what does not say whose it is.</param>
    public static MessageSide Of(JsonElement? given, string role) => given is { } value ? Of(value, role, 0) : MessageSide.Empty;

    public static IEnumerable<EpisodeMessage> OfMessage(JsonElement message, string defaultRole) => OfMessage(message, defaultRole, 0);

    /// <summary>The messages of one that holds a list of parts; null when what is in the list are no parts.</summary>
    public static IEnumerable<EpisodeMessage>? Parts(JsonElement list, string role, string? name, string? callId)
    {
        List<JsonElement> items = [.. list.EnumerateArray()];
        return items.Count > 0 && items.TrueForAll(MessageParts.IsPart) ? MessageParts.Read(items, role, name, callId, []) : null;
    }

    /// <summary>The role in our words.</summary>
    public static string? RoleOf(string? role) =>
        role?.ToLowerInvariant() switch
        {
            null => null,
            "human" => "user",
            "ai" or "model" or "bot" => "assistant",
            "developer" => "system",
            "function" => "tool",
            "user" or "assistant" or "system" or "tool" => role.ToLowerInvariant(),
            _ => role,
        };

    public static List<MessageToolCall> CallsOf(JsonElement list) =>
        list.ValueKind != JsonValueKind.Array
            ? []
            :
            [
                .. list.EnumerateArray()
                    .Where(call => call.ValueKind == JsonValueKind.Object)
                    .Select(call =>
                    {
                        var function = Member(call, "function") is { ValueKind: JsonValueKind.Object } inner ? inner : call;
                        return new MessageToolCall(
                            Text(call, "id") ?? Text(call, "toolCallId") ?? Text(call, "call_id"),
                            Text(function, "name") ?? Text(function, "toolName") ?? "",
                            Text(function, "arguments") ?? Text(function, "args") ?? Text(function, "input")
                        );
                    }),
            ];

    /// <summary>What a tool answered, as a text: without the message, the parts or the type that is wrapped around it.</summary>
    public static string ResultOf(JsonElement given)
    {
        var value = SpanView.Parsed(given);
        if (IsMessage(value) && OfMessage(value, "tool").LastOrDefault(message => message.Content is not null)?.Content is { } content)
        {
            return content;
        }

        if (
            value.ValueKind == JsonValueKind.Object
            && Text(value, "type") is "text" or "json" or "error-text" or "error-json" or "content"
            && Text(value, "value") is { } typed
        )
        {
            return typed;
        }

        return value.ValueKind == JsonValueKind.Array && MessageParts.TextsOf(value) is { } texts ? texts : SpanView.TextOf(given);
    }

    public static JsonElement? Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : null;

    public static string? Text(JsonElement element, string name) =>
        Member(element, name) is { ValueKind: not JsonValueKind.Null } value ? SpanView.TextOf(value) : null;

    private static MessageSide Of(JsonElement value, string role, int depth)
    {
        var parsed = SpanView.Parsed(value);
        switch (parsed.ValueKind)
        {
            case JsonValueKind.Undefined or JsonValueKind.Null:
                return MessageSide.Empty;
            case JsonValueKind.Array:
                return OfList(parsed, role, depth);
            case JsonValueKind.Object:
                return IsMessage(parsed) ? new MessageSide([.. OfMessage(parsed, role, depth)]) : OfWrapper(parsed, role, depth);
            default:
                return SpanView.TextOf(parsed) is { Length: > 0 } text
                    ? new MessageSide([new EpisodeMessage(role, text)])
                    : MessageSide.Empty;
        }
    }

    private static MessageSide OfList(JsonElement list, string role, int depth)
    {
        List<JsonElement> items = [.. list.EnumerateArray()];
        if (items.Count == 0)
        {
            return MessageSide.Empty;
        }

        if (
            items is [{ ValueKind: JsonValueKind.String } who, { ValueKind: JsonValueKind.String } said]
            && LangChainForms.RoleOf(Role(who)) is { } told
        )
        {
            return new MessageSide([new EpisodeMessage(told, SpanView.TextOf(said))]);
        }

        if (items.Exists(IsMessage))
        {
            return new MessageSide([
                .. items.Where(item => item.ValueKind == JsonValueKind.Object).SelectMany(item => OfMessage(item, role, depth)),
            ]);
        }

        if (items.TrueForAll(MessageParts.IsPart))
        {
            return new MessageSide([.. MessageParts.Read(items, role, null, null, [])]);
        }

        if (depth < Deepest && items.TrueForAll(item => item.ValueKind is JsonValueKind.Array or JsonValueKind.Object))
        {
            // A batch of lists, or of answers.
            var sides = items.ConvertAll(item => Of(item, role, depth + 1));
            if (!sides.Exists(side => side.IsRaw))
            {
                return new MessageSide([.. sides.SelectMany(side => side.Messages)]);
            }
        }

        return Raw(list, role);

        static string Role(JsonElement text) =>
            SpanView.TextOf(text) is "user" ? "human"
            : SpanView.TextOf(text) is "assistant" ? "ai"
            : SpanView.TextOf(text);
    }

    /// <summary>An object around messages, or one that holds a text under a name that says so; anything else stays as it is.</summary>
    private static MessageSide OfWrapper(JsonElement value, string role, int depth)
    {
        if (depth < Deepest)
        {
            foreach (var name in s_wrappers)
            {
                if (
                    Member(value, name) is { } inner
                    && SpanView.Parsed(inner) is { ValueKind: JsonValueKind.Array or JsonValueKind.Object } parts
                    && Of(parts, role, depth + 1) is { IsRaw: false } found
                    && (!found.IsEmpty || name is "messages" or "generations" or "choices" or "candidates")
                )
                {
                    return Instructed(value, found);
                }
            }
        }

        foreach (var name in role == "assistant" ? s_answers : s_questions)
        {
            if (Member(value, name) is { ValueKind: JsonValueKind.String } text && SpanView.TextOf(text) is { Length: > 0 } said)
            {
                return new MessageSide([new EpisodeMessage(role, said)]);
            }
        }

        // A node's update of a state, or the only argument of a function.
        return
            depth < Deepest
            && value.EnumerateObject().Take(2).ToList() is [var only]
            && Of(only.Value, role, depth + 1) is { IsRaw: false } one
            ? one
            : Raw(value, role);
    }

    /// <summary>The system's instructions of a request lie beside the messages.</summary>
    private static MessageSide Instructed(JsonElement request, MessageSide side) =>
        (Member(request, "system") ?? Member(request, "instructions") ?? Member(request, "systemInstruction")) is { } system
        && Of(system, "system", Deepest) is { IsRaw: false, IsEmpty: false } instructions
        && !side.Messages.Exists(message => message.Role == "system")
            ? side.After(instructions.Messages.Select(message => message with { Role = "system" }))
            : side;

    private static MessageSide Raw(JsonElement value, string role) => new([new EpisodeMessage(role, value.GetRawText())], IsRaw: true);

    private static bool IsMessage(JsonElement item) =>
        item.ValueKind == JsonValueKind.Object
        && (
            Member(item, "role") is { ValueKind: JsonValueKind.String }
            || item.TryGetProperty("parts", out _)
            || (Member(item, "message") is { ValueKind: JsonValueKind.Object } inner && IsMessage(inner))
            || Text(item, "type") is "function_call" or "function_call_output"
            || LangChainForms.IsMessage(item)
        );

    private static IEnumerable<EpisodeMessage> OfMessage(JsonElement message, string defaultRole, int depth)
    {
        if (Member(message, "message") is { ValueKind: JsonValueKind.Object } inner && depth < Deepest)
        {
            return OfMessage(inner, defaultRole, depth + 1);
        }

        (message, var told) = LangChainForms.Unwrap(message);
        if (Text(message, "type") is "function_call" or "function_call_output")
        {
            return MessageParts.Read([message], defaultRole, null, null, []);
        }

        var role = told ?? RoleOf(Text(message, "role")) ?? defaultRole;
        var callId = Text(message, "tool_call_id") ?? Text(message, "toolCallId") ?? (role == "tool" ? Text(message, "id") : null);
        var calls = Calls(message);
        var content = Member(message, "parts") ?? Member(message, "content") ?? Member(message, "message") ?? Member(message, "text");
        if (content is { } parts && SpanView.Parsed(parts) is { ValueKind: JsonValueKind.Array } list && IsOfParts(parts, list))
        {
            return MessageParts.Read([.. list.EnumerateArray()], role, Text(message, "name"), callId, calls);
        }

        return
        [
            new EpisodeMessage(
                role,
                content is { ValueKind: not JsonValueKind.Null } text ? ContentOf(text) : null,
                Text(message, "name"),
                callId,
                calls.Count == 0 ? null : calls
            ),
        ];
    }

    /// <summary>A list is one of parts; JSON in a text only where it looks like them: it may be what was said.</summary>
    private static bool IsOfParts(JsonElement given, JsonElement list) =>
        given.ValueKind == JsonValueKind.Array || (list.GetArrayLength() > 0 && list.EnumerateArray().All(MessageParts.IsPart));

    private static string ContentOf(JsonElement content) =>
        content.ValueKind == JsonValueKind.Object && Text(content, "text") is { } text && Text(content, "type") is null or "text"
            ? text
            : SpanView.TextOf(content);

    private static List<MessageToolCall> Calls(JsonElement message)
    {
        foreach (var holder in new[] { message, Member(message, "additional_kwargs") ?? default })
        {
            if (Member(holder, "tool_calls") is { } list && CallsOf(SpanView.Parsed(list)) is { Count: > 0 } calls)
            {
                return calls;
            }

            if (Member(holder, "function_call") is { ValueKind: JsonValueKind.Object } one && Text(one, "name") is { Length: > 0 } name)
            {
                return [new MessageToolCall(null, name, Text(one, "arguments"))];
            }
        }

        return [];
    }
}
