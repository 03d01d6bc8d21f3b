using System.Text.Json;

namespace AgentLightning.Models.Generation.Grammars;

/// <summary>Makes a grammar of a JSON schema.</summary>
internal static class SchemaReader
{
    private const int Deepest = 64;
    private static readonly string[] s_notes = ["$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"];

    public static GrammarNode Read(JsonElement schema, string path, int depth = 0)
    {
        if (depth > Deepest)
        {
            throw Wrong(path, $"it is nested more than {Deepest} deep");
        }

        if (schema.ValueKind != JsonValueKind.Object)
        {
            throw Wrong(path, $"a schema must be an object, but it is {schema.GetRawText()}");
        }

        var keys = schema.EnumerateObject().Select(property => property.Name).Except(s_notes).ToHashSet(StringComparer.Ordinal);
        if (keys.Contains("const") || keys.Contains("enum"))
        {
            var several = keys.Contains("enum");
            // The values already are of the type.
            Only(path, keys, several ? "enum" : "const", "type");
            JsonElement[] values = !several ? [schema.GetProperty("const")] : List(schema, "enum", path);
            return Choice([.. values.Select(value => new LiteralNode(JsonLiteral.Of(value)))], path, "enum");
        }

        if (keys.Contains("anyOf"))
        {
            Only(path, keys, "anyOf");
            return Choice([.. List(schema, "anyOf", path).Select((option, i) => Read(option, $"{path}/anyOf/{i}", depth + 1))], path, "anyOf");
        }

        if (!schema.TryGetProperty("type", out var type))
        {
            throw Wrong(path, $"it must have 'type', 'enum', 'const' or 'anyOf', but it has {(keys.Count == 0 ? "nothing" : string.Join(", ", keys))}");
        }

        string[] types = type.ValueKind == JsonValueKind.Array ? [.. type.EnumerateArray().Select(one => one.ToString())] : [type.ToString()];
        var known = types.SelectMany(KeysOf).Append("type").ToArray();
        Only(path, keys, known);
        return Choice([.. types.Select(one => OfType(schema, one, path, depth))], path, "type");
    }

    private static string[] KeysOf(string type) => type switch
    {
        "object" => ["properties", "required", "additionalProperties"],
        "array" => ["items", "minItems", "maxItems"],
        "string" => ["minLength", "maxLength"],
        _ => [],
    };

    private static GrammarNode OfType(JsonElement schema, string type, string path, int depth)
    {
        switch (type)
        {
            case "null":
                return new LiteralNode("null"u8.ToArray());
            case "boolean":
                return new ChoiceNode([new LiteralNode("true"u8.ToArray()), new LiteralNode("false"u8.ToArray())]);
            case "number":
            case "integer":
                return new NumberNode(whole: type == "integer");
            case "string":
                var (shortest, longest) = Range(schema, "minLength", "maxLength", path);
                return new StringNode(shortest, longest);
            case "array":
                var (least, most) = Range(schema, "minItems", "maxItems", path);
                return schema.TryGetProperty("items", out var items)
                    ? new ArrayNode(Read(items, $"{path}/items", depth + 1), least, most)
                    : throw Wrong(path, "an array must say what its 'items' are");
            case "object":
                return Object(schema, path, depth);
            default:
                throw Wrong(path, $"'type' must be object, array, string, number, integer, boolean or null, but it is '{type}'");
        }
    }

    private static ObjectNode Object(JsonElement schema, string path, int depth)
    {
        if (schema.TryGetProperty("additionalProperties", out var more) && more.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
        {
            throw Wrong(path, "'additionalProperties' with a schema is not supported; it may be true or false");
        }

        var required = schema.TryGetProperty("required", out _) ? List(schema, "required", path).Select(name => name.ToString()).ToHashSet(StringComparer.Ordinal) : [];
        var properties = new List<(string Name, GrammarNode Value, bool Required)>();
        if (schema.TryGetProperty("properties", out var all))
        {
            if (all.ValueKind != JsonValueKind.Object)
            {
                throw Wrong(path, $"'properties' must be an object, but it is {all.ValueKind}");
            }

            foreach (var property in all.EnumerateObject())
            {
                properties.Add((property.Name, Read(property.Value, $"{path}/properties/{property.Name}", depth + 1), required.Contains(property.Name)));
            }
        }

        return required.Except(properties.Select(property => property.Name)).FirstOrDefault() is { } unknown
            ? throw Wrong(path, $"'{unknown}' is required, but it is not among the properties")
            : new ObjectNode(properties);
    }

    private static GrammarNode Choice(GrammarNode[] options, string path, string key) => options.Length switch
    {
        0 => throw Wrong(path, $"'{key}' is empty, so nothing would be valid"),
        1 => options[0],
        _ => new ChoiceNode(options),
    };

    private static JsonElement[] List(JsonElement schema, string key, string path) =>
        schema.GetProperty(key) is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray()] : throw Wrong(path, $"'{key}' must be a list, but it is {schema.GetProperty(key).GetRawText()}");

    private static (int Least, int? Most) Range(JsonElement schema, string least, string most, string path)
    {
        var (low, high) = (Count(least) ?? 0, Count(most));
        return low > high ? throw Wrong(path, $"'{least}' is {low} and '{most}' {high}, so nothing would be valid") : (low, high);

        int? Count(string key) => !schema.TryGetProperty(key, out var value) ? null
            : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var count) && count is >= 0 and <= 1_000_000 ? count
            : throw Wrong(path, $"'{key}' must be a whole number from 0 to 1,000,000, but it is {value.GetRawText()}");
    }

    private static void Only(string path, HashSet<string> keys, params string[] known)
    {
        if (keys.Except(known).Order(StringComparer.Ordinal).FirstOrDefault() is { } unknown)
        {
            throw Wrong(path, $"the keyword '{unknown}' is not supported here. Beside descriptions there may be {string.Join(", ", known)}");
        }
    }

    private static ArgumentException Wrong(string path, string what) => new($"The JSON schema at {path}: {what}.");
}
