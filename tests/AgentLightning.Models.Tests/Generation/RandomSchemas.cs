using System.Text.Json;
using System.Text.Json.Nodes;

namespace AgentLightning.Models.Tests;

/// <summary>Random JSON schemas, random values that fit them, and a validator of its own.</summary>
internal static class RandomSchemas
{
    private static readonly string[] s_names = ["a", "name", "größe", "with \"quotes\"", "x y", "😀"];

    public static JsonObject Schema(Random random, int depth = 3) =>
        random.Next(depth > 0 ? 13 : 8) switch
        {
            0 => new JsonObject { ["type"] = "boolean", ["description"] = "yes or no" },
            1 => new JsonObject { ["type"] = "integer" },
            2 => new JsonObject { ["type"] = "number" },
            3 => new JsonObject
            {
                ["enum"] = new JsonArray("red", "grün", 12, -1.5, null, true, new JsonObject { ["k"] = new JsonArray(1) }),
            },
            4 => String(random),
            5 => new JsonObject { ["type"] = new JsonArray("string", "null") },
            6 => Bounded(random),
            7 => Formed(random),
            8 => new JsonObject
            {
                [random.Next(2) == 0 ? "anyOf" : "oneOf"] = new JsonArray(
                    Schema(random, depth - 1),
                    Schema(random, depth - 1),
                    new JsonObject { ["const"] = "other" }
                ),
            },
            9 => Array(random, depth),
            _ => Object(random, depth),
        };

    /// <summary>A value that fits, as text: compact, or with a blank after commas and colons.</summary>
    public static string Value(JsonElement schema, Random random)
    {
        if (schema.TryGetProperty("const", out var one))
        {
            return one.GetRawText();
        }

        if (schema.TryGetProperty("enum", out var many))
        {
            var chosen = many[random.Next(many.GetArrayLength())];
            return JsonSerializer.Serialize(chosen, s_plain);
        }

        if (TryGetOptions(schema, out var options))
        {
            return Value(options[random.Next(options.GetArrayLength())], random);
        }

        var type = schema.GetProperty("type");
        var name = type.ValueKind == JsonValueKind.Array ? type[random.Next(type.GetArrayLength())].GetString() : type.GetString();
        var blank = random.Next(2) == 0 ? " " : "";
        switch (name)
        {
            case "null":
                return "null";
            case "boolean":
                return random.Next(2) == 0 ? "true" : "false";
            case "integer" when schema.TryGetProperty("minimum", out var low):
                return random
                    .Next(low.GetInt32(), schema.GetProperty("maximum").GetInt32() + 1)
                    .ToString(System.Globalization.CultureInfo.InvariantCulture);
            case "number" when schema.TryGetProperty("minimum", out var low):
                return (
                    low.GetDecimal() + (random.Next(101) * (schema.GetProperty("maximum").GetDecimal() - low.GetDecimal()) / 100)
                ).ToString(System.Globalization.CultureInfo.InvariantCulture);
            case "string" when schema.TryGetProperty("format", out _):
                return $"\"{new DateTime(2024, 1, 1).AddDays(random.Next(50)):yyyy-MM-dd}\"";
            case "string" when schema.TryGetProperty("pattern", out _):
                return $"\"x{new string('é', random.Next(3))}-{random.Next(10, 100)}\"";
            case "integer":
                return random.Next(-1000, 1000).ToString(System.Globalization.CultureInfo.InvariantCulture);
            case "number":
                return ((string[])["0", "-0.5", "12e3", "1.25E-7", "-99", "0e+0"])[random.Next(6)];
            case "string":
                var length = random.Next(Number(schema, "minLength") ?? 0, (Number(schema, "maxLength") ?? 6) + 1);
                return Quote(
                    string.Concat(Enumerable.Range(0, length).Select(_ => s_letters[random.Next(s_letters.Length)])),
                    escapes: random.Next(2) == 0
                );
            case "array":
                var count = random.Next(Number(schema, "minItems") ?? 0, (Number(schema, "maxItems") ?? 3) + 1);
                return $"[{string.Join("," + blank, Enumerable.Range(0, count).Select(_ => Value(schema.GetProperty("items"), random)))}]";
            default:
                var required = schema.TryGetProperty("required", out var names)
                    ? names.EnumerateArray().Select(n => n.GetString()).ToHashSet()
                    : [];
                var members = schema
                    .GetProperty("properties")
                    .EnumerateObject()
                    .Where(property => required.Contains(property.Name) || random.Next(2) == 0);
                return $"{{{string.Join("," + blank, members.Select(property => $"{Quote(property.Name, escapes: false)}:{blank}{Value(property.Value, random)}"))}}}";
        }
    }

    /// <summary>Says what of a value does not fit, or null.</summary>
    public static string? Wrong(JsonElement schema, JsonElement value)
    {
        if (schema.TryGetProperty("const", out var one))
        {
            return JsonElement.DeepEquals(one, value) ? null : $"{value} is not {one}";
        }

        if (schema.TryGetProperty("enum", out var many))
        {
            return many.EnumerateArray().Any(option => JsonElement.DeepEquals(option, value)) ? null : $"{value} is not in {many}";
        }

        if (TryGetOptions(schema, out var options))
        {
            return options.EnumerateArray().Any(option => Wrong(option, value) is null) ? null : $"{value} is none of {options}";
        }

        var type = schema.GetProperty("type");
        string?[] types =
            type.ValueKind == JsonValueKind.Array ? [.. type.EnumerateArray().Select(t => t.GetString())] : [type.GetString()];
        return types.Select(name => OfType(schema, name!, value)).FirstOrDefault(wrong => wrong is null, $"{value} is not {type}");
    }

    private static readonly string[] s_letters =
    [
        "a",
        "Z",
        " ",
        "\"",
        "\\",
        "\n",
        "\u0001",
        "é",
        "ß",
        "€",
        "漢",
        "😀",
        "/",
        "\u007f",
        "\uffff",
    ];
    private static readonly JsonSerializerOptions s_plain = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>With escapes for all that is not ASCII, but for characters that would take two.</summary>
    private static string Quote(string text, bool escapes) =>
        $"\"{string.Concat(text.Select(c =>
        c is '"' or '\\' ? $"\\{c}" : c < ' ' || (escapes && c > '~' && !char.IsSurrogate(c)) ? $"\\u{(int)c:x4}" : c.ToString()))}\"";

    private static string? OfType(JsonElement schema, string type, JsonElement value)
    {
        switch (type, value.ValueKind)
        {
            case ("null", JsonValueKind.Null):
            case ("boolean", JsonValueKind.True or JsonValueKind.False):
                return null;
            case ("number", JsonValueKind.Number) when double.IsFinite(value.GetDouble()):
            case ("integer", JsonValueKind.Number) when value.TryGetInt64(out _):
                return
                    (schema.TryGetProperty("minimum", out var low) && value.GetDouble() < low.GetDouble())
                    || (schema.TryGetProperty("maximum", out var high) && value.GetDouble() > high.GetDouble())
                    ? $"{value} is out of bounds"
                    : null;
            case ("string", JsonValueKind.String) when schema.TryGetProperty("format", out _):
                return DateTime.TryParseExact(value.GetString(), "yyyy-MM-dd", null, System.Globalization.DateTimeStyles.None, out _)
                    ? null
                    : $"{value} is no date";
            case ("string", JsonValueKind.String) when schema.TryGetProperty("pattern", out var pattern):
                return System.Text.RegularExpressions.Regex.IsMatch(value.GetString()!, pattern.GetString()!)
                    ? null
                    : $"{value} is not {pattern}";
            case ("string", JsonValueKind.String):
                var length = value.GetString()!.EnumerateRunes().Count();
                return length >= (Number(schema, "minLength") ?? 0) && length <= (Number(schema, "maxLength") ?? int.MaxValue)
                    ? null
                    : $"{length} characters";
            case ("array", JsonValueKind.Array):
                var count = value.GetArrayLength();
                return count >= (Number(schema, "minItems") ?? 0) && count <= (Number(schema, "maxItems") ?? int.MaxValue)
                    ? value
                        .EnumerateArray()
                        .Select(item => Wrong(schema.GetProperty("items"), item))
                        .FirstOrDefault(wrong => wrong is not null)
                    : $"{count} items";
            case ("object", JsonValueKind.Object):
                var properties = schema.GetProperty("properties");
                var names = value.EnumerateObject().Select(property => property.Name).ToList();
                return names.Distinct().Count() < names.Count ? "a property twice"
                    : schema.TryGetProperty("required", out var required)
                    && required.EnumerateArray().FirstOrDefault(name => !names.Contains(name.GetString()!))
                        is { ValueKind: not JsonValueKind.Undefined } missing
                        ? $"{missing} is missing"
                    : value
                        .EnumerateObject()
                        .Select(property =>
                            properties.TryGetProperty(property.Name, out var inner)
                                ? Wrong(inner, property.Value)
                                : $"{property.Name} is unknown"
                        )
                        .FirstOrDefault(wrong => wrong is not null);
            default:
                return $"{value} is not {type}";
        }
    }

    private static bool TryGetOptions(JsonElement schema, out JsonElement options) =>
        schema.TryGetProperty("anyOf", out options) || schema.TryGetProperty("oneOf", out options);

    private static JsonObject Bounded(Random random)
    {
        var low = random.Next(-30, 30);
        return random.Next(2) == 0
            ? new JsonObject
            {
                ["type"] = "integer",
                ["minimum"] = low,
                ["maximum"] = low + random.Next(200),
            }
            : new JsonObject
            {
                ["type"] = "number",
                ["minimum"] = low / 8m,
                ["maximum"] = (low + random.Next(1, 100)) / 8m,
            };
    }

    private static JsonObject Formed(Random random) =>
        random.Next(2) == 0
            ? new JsonObject { ["type"] = "string", ["format"] = "date" }
            : new JsonObject { ["type"] = "string", ["pattern"] = "^x[^a-z\"]{0,3}-[0-9]{2}$" };

    private static int? Number(JsonElement schema, string key) => schema.TryGetProperty(key, out var value) ? value.GetInt32() : null;

    private static JsonObject String(Random random)
    {
        var (least, schema) = (random.Next(4), new JsonObject { ["type"] = "string" });
        if (random.Next(2) == 0)
        {
            schema["minLength"] = least;
        }

        if (random.Next(2) == 0)
        {
            schema["maxLength"] = least + random.Next(4);
        }

        return schema;
    }

    private static JsonObject Array(Random random, int depth)
    {
        var (least, schema) = (random.Next(3), new JsonObject { ["type"] = "array", ["items"] = Schema(random, depth - 1) });
        if (random.Next(2) == 0)
        {
            schema["minItems"] = least;
        }

        if (random.Next(2) == 0)
        {
            schema["maxItems"] = least + random.Next(3);
        }

        return schema;
    }

    private static JsonObject Object(Random random, int depth)
    {
        var names = s_names.Where(_ => random.Next(2) == 0).ToList();
        return new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject(names.Select(name => KeyValuePair.Create(name, (JsonNode?)Schema(random, depth - 1)))),
            ["required"] = new JsonArray([.. names.Where(_ => random.Next(2) == 0).Select(name => (JsonNode)name)]),
            ["additionalProperties"] = false,
        };
    }
}
