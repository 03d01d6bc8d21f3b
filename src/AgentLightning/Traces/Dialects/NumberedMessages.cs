using System.Globalization;
using System.Text.Json;
using AgentLightning.Episodes;
using AgentLightning.Traces.Reading;

namespace AgentLightning.Traces.Dialects;

/// <summary>
/// Messages that are flattened to attributes: <c>gen_ai.prompt.0.content</c>, <c>llm.input_messages.0.message.content</c>.
/// </summary>
internal static class NumberedMessages
{
    public static MessageSide Read(SpanView span, string prefix, string defaultRole)
    {
        SortedDictionary<int, Dictionary<string, JsonElement>>? messages = null;
        foreach (var (rest, value) in span.Under(prefix))
        {
            var dot = rest.IndexOf('.', StringComparison.Ordinal);
            if (dot > 0 && int.TryParse(rest.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            {
                messages ??= [];
                var path = rest[(dot + 1)..];
                (messages.TryGetValue(index, out var fields) ? fields : messages[index] = [])[
                    path.StartsWith("message.", StringComparison.Ordinal) ? path["message.".Length..] : path
                ] = value;
            }
        }

        return messages is null
            ? MessageSide.Empty
            : new MessageSide([.. messages.Values.SelectMany(fields => OfFields(fields, defaultRole))]);
    }

    private static IEnumerable<EpisodeMessage> OfFields(Dictionary<string, JsonElement> fields, string defaultRole)
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

        var role = MessageForms.RoleOf(One("role")) ?? defaultRole;
        if (
            calls.Count == 0
            && fields.TryGetValue("content", out var content)
            && SpanView.Parsed(content) is { ValueKind: JsonValueKind.Array } list
            && MessageForms.Parts(list, role, One("name"), One("tool_call_id")) is { } read
        )
        {
            // The parts of the provider, as JSON in the one text.
            return read;
        }

        return
        [
            new EpisodeMessage(
                role,
                One("content") ?? (texts.Count == 0 ? null : string.Join('\n', texts.Values)),
                One("name"),
                One("tool_call_id"),
                calls.Count == 0 ? null : [.. calls.Values]
            ),
        ];

        string? One(string name) =>
            fields.TryGetValue(name, out var value) && value.ValueKind != JsonValueKind.Null ? SpanView.TextOf(value) : null;
    }
}
