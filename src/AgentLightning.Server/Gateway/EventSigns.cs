using System.Text.Json;

namespace AgentLightning.Server.Gateway;

/// <summary>What an event of a stream is, told from its data.</summary>
internal static class EventSigns
{
    /// <summary>Whether it tells of an error: <c>{"error":…}</c>, or of the type <c>error</c> or <c>response.failed</c>.</summary>
    public static bool IsError(ReadOnlySpan<byte> name, ReadOnlySpan<byte> data)
    {
        if (name.SequenceEqual("error"u8) || name.SequenceEqual("response.failed"u8))
        {
            return true;
        }

        if (data.IndexOf("\"error\""u8) < 0)
        {
            return false;
        }

        try
        {
            var reader = new Utf8JsonReader(data);
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var (isError, isType) = (reader.ValueTextEquals("error"u8), reader.ValueTextEquals("type"u8));
                reader.Read();
                if (
                    isError && reader.TokenType != JsonTokenType.Null
                    || isType && reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("error"u8)
                )
                {
                    return true;
                }

                reader.Skip();
            }
        }
        catch (JsonException)
        {
            // No error that anybody could read.
        }

        return false;
    }

    /// <summary>Choices of which it says why they ended.</summary>
    public static int Finishes(ReadOnlySpan<byte> data)
    {
        var count = 0;
        // Within a text the quotes would be escaped.
        for (ReadOnlySpan<byte> word = "\"finish_reason\""u8; data.IndexOf(word) is >= 0 and var at; )
        {
            data = data[(at + word.Length)..];
            var value = data.TrimStart(" :"u8);
            count += value.Length > 0 && value[0] == '"' ? 1 : 0;
        }

        return count;
    }

    /// <summary>Whether it is the last of a response.</summary>
    public static bool EndsResponse(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("response.completed"u8)
        || name.SequenceEqual("response.incomplete"u8)
        || name.SequenceEqual("response.failed"u8);

    /// <summary>Whether it tells of usage.</summary>
    public static bool HasUsage(ReadOnlySpan<byte> data) => data.IndexOf("\"usage\":{"u8) >= 0 || data.IndexOf("\"usage\": {"u8) >= 0;

    /// <summary>Whether it tells nothing but usage.</summary>
    public static bool HasNoChoices(ReadOnlySpan<byte> data) =>
        data.IndexOf("\"choices\":[]"u8) >= 0 || data.IndexOf("\"choices\": []"u8) >= 0;

    /// <summary>Whether something of the answer is in it; null when it is no JSON.</summary>
    public static bool? HasContent(ModelRoute route, ReadOnlySpan<byte> name, ReadOnlySpan<byte> data)
    {
        try
        {
            var reader = new Utf8JsonReader(data);
            using var json = JsonDocument.ParseValue(ref reader);
            var root = json.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                return null;
            }

            if (!route.HasChoices())
            {
                return !name.StartsWith("response.created"u8) && !name.StartsWith("response.in_progress"u8);
            }

            return root.TryGetProperty("choices", out var choices)
                && choices.ValueKind == JsonValueKind.Array
                && choices.EnumerateArray().Any(SaysSomething);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static bool SaysSomething(JsonElement choice) =>
        choice.ValueKind == JsonValueKind.Object
        && choice
            .EnumerateObject()
            .Any(part =>
                part.Name switch
                {
                    "delta" => part.Value.ValueKind == JsonValueKind.Object
                        && part.Value.EnumerateObject().Any(one => one.Name != "role" && IsSomething(one.Value)),
                    "text" or "finish_reason" => IsSomething(part.Value),
                    _ => false,
                }
            );

    private static bool IsSomething(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Null or JsonValueKind.Undefined => false,
            JsonValueKind.String => value.GetString()!.Length > 0,
            JsonValueKind.Array => value.GetArrayLength() > 0,
            _ => true,
        };
}
