using System.Text.Json;
using AgentLightning.Episodes;

namespace AgentLightning.Traces.Reading;

/// <summary>
/// The parts of one message, as the GenAI conventions, OpenAI, Anthropic, Bedrock, Gemini and the AI SDK write them: texts are joined,
/// calls are the message's calls, and each answer of a tool is a message of its own. Thoughts are left out.
/// </summary>
internal static class MessageParts
{
    public static IEnumerable<EpisodeMessage> Read(
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
            switch (KindOf(part))
            {
                case "text":
                    texts.Add(TextOf(part));
                    break;
                case "call":
                    var call = Inner(part, "toolUse", "functionCall", "function_call", "toolRequest");
                    var made = new MessageToolCall(
                        First(call, "id", "toolCallId", "call_id", "toolUseId", "ref"),
                        First(call, "name", "toolName") ?? "",
                        First(call, "arguments", "input", "args")
                    );
                    if (made.Id is null || !calls.Exists(known => known.Id == made.Id))
                    {
                        // Some tell a call as a part and beside the parts.
                        calls.Add(made);
                    }

                    break;
                case "answer":
                    var answer = Inner(part, "toolResult", "functionResponse", "function_response", "toolResponse");
                    answers.Add(
                        new EpisodeMessage(
                            "tool",
                            Result(answer),
                            First(answer, "name", "toolName"),
                            First(answer, "id", "toolCallId", "tool_use_id", "call_id", "toolUseId", "ref")
                        )
                    );
                    break;
                case "thought":
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

    public static bool IsPart(JsonElement item) =>
        item.ValueKind == JsonValueKind.String || (item.ValueKind == JsonValueKind.Object && KindOf(item).Length > 0);

    /// <summary>The texts of a list of parts; null when it holds anything else.</summary>
    public static string? TextsOf(JsonElement list)
    {
        List<JsonElement> parts = [.. list.EnumerateArray()];
        return parts.Count > 0 && parts.TrueForAll(part => KindOf(part) is "text" || MessageForms.Member(part, "json") is not null)
            ? string.Join('\n', parts.Select(part => KindOf(part) == "text" ? TextOf(part) : MessageForms.Text(part, "json")))
            : null;
    }

    /// <summary>What a part is: text, call, answer, thought, other, or empty for what is no part.</summary>
    private static string KindOf(JsonElement part)
    {
        if (part.ValueKind != JsonValueKind.Object)
        {
            return "text";
        }

        // Pydantic AI calls it kind.
        return (MessageForms.Text(part, "type") ?? MessageForms.Text(part, "kind"))?.Replace('-', '_') switch
        {
            "text" or "input_text" or "output_text" => "text",
            "tool_call" or "server_tool_call" or "tool_use" or "server_tool_use" or "function_call" => "call",
            "tool_call_response" or "server_tool_call_response" or "tool_result" or "function_call_output" => "answer",
            "reasoning" or "thinking" or "redacted_thinking" or "redacted_reasoning" => "thought",
            { Length: > 0 } => "other",
            _ when Has("toolUse", "functionCall", "function_call", "toolRequest") => "call",
            _ when Has("toolResult", "functionResponse", "function_response", "toolResponse") => "answer",
            _ when Has("reasoningContent", "reasoning") => "thought",
            _ when MessageForms.Member(part, "text") is { ValueKind: JsonValueKind.String } => "text",
            _ when Has("image", "document", "video", "inlineData", "inline_data", "fileData", "file_data", "media") => "other",
            // Parts of GenAI without a type are texts.
            _ when MessageForms.Member(part, "content") is { ValueKind: JsonValueKind.String } && part.EnumerateObject().Count() == 1 =>
                "text",
            _ => "",
        };

        bool Has(params ReadOnlySpan<string> names)
        {
            foreach (var name in names)
            {
                if (MessageForms.Member(part, name) is { ValueKind: not JsonValueKind.Null })
                {
                    return true;
                }
            }

            return false;
        }
    }

    private static string TextOf(JsonElement part) =>
        part.ValueKind == JsonValueKind.Object ? First(part, "content", "text") ?? "" : SpanView.TextOf(part);

    private static JsonElement Inner(JsonElement part, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (MessageForms.Member(part, name) is { ValueKind: JsonValueKind.Object } inner)
            {
                return inner;
            }
        }

        return part;
    }

    /// <summary>The examples of the conventions write both response and result.</summary>
    private static string? Result(JsonElement answer)
    {
        foreach (var name in (ReadOnlySpan<string>)["response", "result", "output", "content"])
        {
            if (MessageForms.Member(answer, name) is { ValueKind: not JsonValueKind.Null } value)
            {
                return value.ValueKind == JsonValueKind.String ? SpanView.TextOf(value) : MessageForms.ResultOf(value);
            }
        }

        return null;
    }

    private static string? First(JsonElement element, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (MessageForms.Text(element, name) is { } text)
            {
                return text;
            }
        }

        return null;
    }
}
