using System.Globalization;
using System.Text.Json;
using AgentLightning.Client.Chat;

namespace AgentLightning.Client.Telemetry;

/// <summary>
/// Makes attributes of nested values: dots between names, numbers for places in lists; a list of plain values of one kind stays a list.
/// </summary>
internal static class Flattening
{
    private const int MostAttributes = 1_000;
    private const int Deepest = 32;

    /// <summary>The attributes of any value, which is read as JSON.</summary>
    public static Dictionary<string, object?> Of(string prefix, object? value)
    {
        var attributes = new Dictionary<string, object?>();
        Add(attributes, prefix, value is JsonElement element ? element : JsonSerializer.SerializeToElement(value, ChatJson.Options), 0);
        return attributes;
    }

    private static void Add(Dictionary<string, object?> attributes, string name, JsonElement value, int depth)
    {
        if (attributes.Count >= MostAttributes)
        {
            return;
        }

        switch (value.ValueKind)
        {
            case JsonValueKind.Object when depth < Deepest:
                foreach (var property in value.EnumerateObject())
                {
                    Add(attributes, $"{name}.{property.Name}", property.Value, depth + 1);
                }

                break;
            case JsonValueKind.Array when depth < Deepest:
                if (Plain(value) is { } list)
                {
                    attributes[name] = list;
                    break;
                }

                var at = 0;
                foreach (var item in value.EnumerateArray())
                {
                    Add(attributes, string.Create(CultureInfo.InvariantCulture, $"{name}.{at++}"), item, depth + 1);
                }

                break;
            case JsonValueKind.Undefined or JsonValueKind.Null:
                break;
            default:
                attributes[name] = Scalar(value);
                break;
        }
    }

    private static object Scalar(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            JsonValueKind.Number => value.TryGetInt64(out var whole) ? whole : value.GetDouble(),
            _ => value.GetRawText(),
        };

    private static Array? Plain(JsonElement list)
    {
        var values = list.EnumerateArray()
            .Where(item => item.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array or JsonValueKind.Null))
            .Select(Scalar)
            .ToList();
        if (values.Count != list.GetArrayLength() || values.Count == 0 || values.Any(value => value.GetType() != values[0].GetType()))
        {
            return null;
        }

        var array = Array.CreateInstance(values[0].GetType(), values.Count);
        for (var i = 0; i < values.Count; i++)
        {
            array.SetValue(values[i], i);
        }

        return array;
    }
}
