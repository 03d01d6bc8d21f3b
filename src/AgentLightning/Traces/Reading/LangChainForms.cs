using System.Text.Json;

namespace AgentLightning.Traces.Reading;

/// <summary>
/// Messages of LangChain as it serialises them: <c>{"type":"human","content"}</c>, <c>{"type":"human","data":{…}}</c>, and the
/// constructors <c>{"lc":1,"id":[…,"HumanMessage"],"kwargs":{…}}</c>.
/// </summary>
internal static class LangChainForms
{
    /// <summary>The role in our words of a message's type or class; null when it is none.</summary>
    public static string? RoleOf(string? type) =>
        type switch
        {
            "human" or "HumanMessage" or "HumanMessageChunk" => "user",
            "ai" or "AIMessage" or "AIMessageChunk" => "assistant",
            "system" or "SystemMessage" or "SystemMessageChunk" => "system",
            "tool" or "ToolMessage" or "ToolMessageChunk" or "function" or "FunctionMessage" => "tool",
            _ => null,
        };

    public static bool IsMessage(JsonElement item) =>
        RoleOf(MessageForms.Text(item, "type")) is not null
            ? MessageForms.Member(item, "content") is not null || MessageForms.Member(item, "data") is { ValueKind: JsonValueKind.Object }
            : IsConstructor(item) && RoleOf(ClassOf(item)) is not null;

    /// <summary>The fields of a message, without what is wrapped around them, and its role where that says it.</summary>
    public static (JsonElement Fields, string? Role) Unwrap(JsonElement message)
    {
        var role = RoleOf(MessageForms.Text(message, "type"));
        if (IsConstructor(message))
        {
            var fields = MessageForms.Member(message, "kwargs")!.Value;
            return (fields, RoleOf(ClassOf(message)) ?? RoleOf(MessageForms.Text(fields, "type")));
        }

        return role is not null && MessageForms.Member(message, "data") is { ValueKind: JsonValueKind.Object } data
            ? (data, role)
            : (message, role);
    }

    private static bool IsConstructor(JsonElement item) =>
        MessageForms.Member(item, "lc") is not null && MessageForms.Member(item, "kwargs") is { ValueKind: JsonValueKind.Object };

    private static string? ClassOf(JsonElement item) =>
        MessageForms.Member(item, "id") is { ValueKind: JsonValueKind.Array } path && path.GetArrayLength() > 0
            ? SpanView.TextOf(path[path.GetArrayLength() - 1])
            : null;
}
