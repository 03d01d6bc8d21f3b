using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Episodes;

namespace AgentLightning.Server.Gateway;

/// <summary>What others wrote, as episodes may hold it: a call is kept with a shortened text rather than not at all.</summary>
internal static class EpisodeTexts
{
    private const int Longest = 4_000_000;
    private const string Cut = "… [cut]";

    /// <summary>Without U+0000, which not every store holds, and not longer than an episode may be.</summary>
    public static string? Text(string? text)
    {
        if (text is null)
        {
            return null;
        }

        text = text.Contains('\0', StringComparison.Ordinal) ? text.Replace("\0", "", StringComparison.Ordinal) : text;
        if (text.Length <= Longest)
        {
            return text;
        }

        var at = Longest - Cut.Length;
        return string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[at - 1]) ? at - 1 : at), Cut);
    }

    /// <summary>As short as names may be, without control characters; null for none.</summary>
    public static string? Name(string? name) =>
        string.IsNullOrEmpty(name) ? null
        : name.Length <= Ids.LongestName && !name.Any(char.IsControl) ? name
        : new string([.. name.Where(c => !char.IsControl(c)).Take(Ids.LongestName)]);

    /// <summary>An id that feedback can name; null where it cannot be one.</summary>
    public static string? Id(string? id) =>
        id is { Length: > 0 and <= Ids.LongestName } && !id.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)) && Ids.IsAddressable(id)
            ? id
            : null;

    /// <summary>The content of a message: a text, the texts of its parts where all are texts, or JSON.</summary>
    public static string? Content(JsonElement content)
    {
        if (content.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined)
        {
            return null;
        }

        if (content.ValueKind == JsonValueKind.String)
        {
            return Text(String(content));
        }

        if (content.ValueKind != JsonValueKind.Array)
        {
            return Text(content.GetRawText());
        }

        var texts = content.EnumerateArray().Select(PartText).ToList();
        return Text(texts.Contains(null) ? content.GetRawText() : string.Concat(texts));
    }

    /// <summary>The calls that a message asks for.</summary>
    public static List<MessageToolCall>? Calls(JsonElement message)
    {
        if (!message.TryGetProperty("tool_calls", out var list) || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0)
        {
            return null;
        }

        return
        [
            .. list.EnumerateArray()
                .Where(call => call.ValueKind == JsonValueKind.Object)
                .Select(call =>
                {
                    var function =
                        call.TryGetProperty("function", out var inner) && inner.ValueKind == JsonValueKind.Object ? inner
                        : call.TryGetProperty("custom", out inner) && inner.ValueKind == JsonValueKind.Object ? inner
                        : call;
                    return new MessageToolCall(
                        Name(Member(call, "id")),
                        Name(Member(function, "name")) ?? "unnamed",
                        Text(Member(function, "arguments") ?? Member(function, "input"))
                    );
                }),
        ];
    }

    /// <summary>A member as a text: itself where it is one, its JSON otherwise; null where there is none.</summary>
    public static string? Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value)
            ? value.ValueKind switch
            {
                JsonValueKind.Null => null,
                JsonValueKind.String => String(value),
                _ => value.GetRawText(),
            }
            : null;

    /// <summary>A text; one that is none, such as half a surrogate pair, as it was written.</summary>
    public static string String(JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return value.GetRawText();
        }
    }

    private static string? PartText(JsonElement part) =>
        part.ValueKind == JsonValueKind.Object
        && part.TryGetProperty("text", out var text)
        && text.ValueKind == JsonValueKind.String
        && (!part.TryGetProperty("type", out var type) || String(type) is "text" or "input_text" or "output_text")
            ? String(text)
            : null;
}
