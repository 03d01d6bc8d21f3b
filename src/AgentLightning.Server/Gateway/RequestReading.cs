using System.Text.Json;
using AgentLightning.Episodes;

namespace AgentLightning.Server.Gateway;

/// <summary>What a call asked, in an episode's words.</summary>
/// <param name="Calls">Calls of tools since the last word of the user, with their results.</param>
/// <param name="Tools">The tools that were offered, as JSON.</param>
internal sealed record RequestReading(string Input, List<EpisodeMessage> Messages, List<EpisodeToolCall> Calls, string? Tools)
{
    private const int MostMessages = 9_990;

    public static RequestReading Of(ModelRoute route, JsonElement request)
    {
        var messages = route switch
        {
            ModelRoute.Chat => ChatMessages(request),
            ModelRoute.Responses => ResponseMessages(request),
            ModelRoute.Completions => OneMessage(request, "prompt"),
            _ => OneMessage(request, "input"),
        };
        var input = messages.FindLast(message => message.Role == "user") ?? messages.LastOrDefault();
        var from = messages.FindLastIndex(message => message.Role == "user") + 1;
        return new RequestReading(
            input?.Content ?? "",
            messages.Count > MostMessages ? messages[^MostMessages..] : messages,
            CallsOf(messages[from..]),
            request.TryGetProperty("tools", out var tools) && tools.ValueKind == JsonValueKind.Array ? tools.GetRawText() : null
        );
    }

    private static List<EpisodeMessage> ChatMessages(JsonElement request) =>
        request.TryGetProperty("messages", out var messages) && messages.ValueKind == JsonValueKind.Array
            ? [.. messages.EnumerateArray().Where(message => message.ValueKind == JsonValueKind.Object).Select(MessageOf)]
            : [];

    private static EpisodeMessage MessageOf(JsonElement message) =>
        new(
            EpisodeTexts.Name(EpisodeTexts.Member(message, "role")) ?? "unknown",
            message.TryGetProperty("content", out var content) ? EpisodeTexts.Content(content) : null,
            EpisodeTexts.Name(EpisodeTexts.Member(message, "name")),
            EpisodeTexts.Name(EpisodeTexts.Member(message, "tool_call_id")),
            EpisodeTexts.Calls(message)
        );

    /// <summary>The input of the responses route: a text, or messages, calls of tools and their results in one list.</summary>
    private static List<EpisodeMessage> ResponseMessages(JsonElement request)
    {
        var messages = new List<EpisodeMessage>();
        if (EpisodeTexts.Member(request, "instructions") is { } instructions)
        {
            messages.Add(new EpisodeMessage("system", EpisodeTexts.Text(instructions)));
        }

        if (!request.TryGetProperty("input", out var input))
        {
            return messages;
        }

        if (input.ValueKind != JsonValueKind.Array)
        {
            messages.Add(new EpisodeMessage("user", EpisodeTexts.Content(input)));
            return messages;
        }

        messages.AddRange(input.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.Object).Select(ResponseItem));
        return messages;
    }

    private static EpisodeMessage ResponseItem(JsonElement item) =>
        EpisodeTexts.Member(item, "type") switch
        {
            "function_call" => new EpisodeMessage(
                "assistant",
                null,
                ToolCalls:
                [
                    new MessageToolCall(
                        EpisodeTexts.Name(EpisodeTexts.Member(item, "call_id")),
                        EpisodeTexts.Name(EpisodeTexts.Member(item, "name")) ?? "unnamed",
                        EpisodeTexts.Text(EpisodeTexts.Member(item, "arguments"))
                    ),
                ]
            ),
            "function_call_output" => new EpisodeMessage(
                "tool",
                EpisodeTexts.Text(EpisodeTexts.Member(item, "output")),
                ToolCallId: EpisodeTexts.Name(EpisodeTexts.Member(item, "call_id"))
            ),
            "message" or null => MessageOf(item),
            _ => new EpisodeMessage("assistant", EpisodeTexts.Text(item.GetRawText())),
        };

    private static List<EpisodeMessage> OneMessage(JsonElement request, string name) =>
        request.TryGetProperty(name, out var input) ? [new EpisodeMessage("user", EpisodeTexts.Content(input))] : [];

    private static List<EpisodeToolCall> CallsOf(List<EpisodeMessage> since)
    {
        var results = since
            .Where(message => message is { Role: "tool", ToolCallId: not null })
            .GroupBy(message => message.ToolCallId!)
            .ToDictionary(group => group.Key, group => group.Last().Content);
        return
        [
            .. since
                .SelectMany(message => message.ToolCalls ?? [])
                .Select(call => new EpisodeToolCall(
                    call.Name,
                    call.Arguments,
                    call.Id is null ? null : results.GetValueOrDefault(call.Id),
                    0,
                    null
                )),
        ];
    }
}
