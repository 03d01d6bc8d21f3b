using System.Text.Json;

namespace AgentLightning.Models.Generation.Grammars;

/// <summary>Makes a grammar of a JSON schema.</summary>
internal sealed class SchemaReader
{
    /// <summary>Objects and lists in each other, as JSON readers take them.</summary>
    private const int DeepestValue = 64;

    private const int Deepest = 64,
        MostRead = 100_000,
        MostOpen = 600;
    private static readonly string[] s_notes =
    [
        "$schema",
        "$id",
        "$comment",
        "$defs",
        "definitions",
        "title",
        "description",
        "default",
        "examples",
        "deprecated",
        "readOnly",
        "writeOnly",
    ];
    private static readonly string[] s_bounds = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];
    private readonly JsonElement _root;

    // By where it is and how deep a value lies, so that what holds itself comes to an end.
    private readonly Dictionary<(string Place, int Level), GrammarNode?> _referenced = [];
    private readonly Dictionary<(int Least, int? Most), StringNode> _strings = [];
    private int _read,
        _open;

    private SchemaReader(JsonElement root) => _root = root;

    public static GrammarNode Read(JsonElement schema) => new SchemaReader(schema).Read(schema, "#", 0, 0);

    /// <param name="depth">Schemas around this one in the text.</param>
    /// <param name="level">Objects and lists around a value of it.</param>
    private GrammarNode Read(JsonElement schema, string path, int depth, int level)
    {
        _open++;
        var node = ReadOpen(schema, path, depth, level);
        _open--;
        return node;
    }

    private GrammarNode ReadOpen(JsonElement schema, string path, int depth, int level)
    {
        if (depth > Deepest || _open > MostOpen || ++_read > MostRead)
        {
            throw Wrong(
                path,
                depth > Deepest ? $"it is nested more than {Deepest} deep" : "the schema is too large, or refers to itself in too many ways"
            );
        }

        if (schema.ValueKind != JsonValueKind.Object)
        {
            throw Wrong(path, $"a schema must be an object, but it is {schema.GetRawText()}");
        }

        var keys = schema.EnumerateObject().Select(property => property.Name).Except(s_notes).ToHashSet(StringComparer.Ordinal);
        if (keys.Contains("$ref"))
        {
            Only(path, keys, "$ref");
            return Referenced(schema.GetProperty("$ref").ToString(), path, level);
        }

        if (keys.Contains("const") || keys.Contains("enum"))
        {
            var several = keys.Contains("enum");
            // The values already are of the type.
            Only(path, keys, several ? "enum" : "const", "type");
            JsonElement[] values = !several ? [schema.GetProperty("const")] : List(schema, "enum", path);
            return Choice([.. values.Select(value => new LiteralNode(JsonLiteral.Of(value)))], path, "enum");
        }

        if (keys.FirstOrDefault(key => key is "anyOf" or "oneOf" or "allOf") is { } union)
        {
            Only(path, keys, union);
            var options = List(schema, union, path);
            return union == "allOf" && options.Length > 1
                ? throw Wrong(path, $"'allOf' of {options.Length} is not supported; of one it is")
                : Choice([.. options.Select((option, i) => Read(option, $"{path}/{union}/{i}", depth + 1, level))], path, union);
        }

        if (!schema.TryGetProperty("type", out var type))
        {
            throw Wrong(
                path,
                $"it must have 'type', 'enum', 'const', 'anyOf' or '$ref', but it has "
                    + $"{(keys.Count == 0 ? "nothing" : string.Join(", ", keys))}"
            );
        }

        string[] types =
            type.ValueKind == JsonValueKind.Array ? [.. type.EnumerateArray().Select(one => one.ToString())] : [type.ToString()];
        var known = types.SelectMany(KeysOf).Append("type").ToArray();
        Only(path, keys, known);
        return Choice([.. types.Select(one => OfType(schema, one, path, depth, level))], path, "type");
    }

    private GrammarNode Referenced(string place, string path, int level)
    {
        if (_referenced.TryGetValue((place, level), out var known))
        {
            return known ?? throw Wrong(path, $"'{place}' refers to itself with nothing in between");
        }

        _referenced[(place, level)] = null;
        var read = Read(Target(place, path), place, 0, level);
        _referenced[(place, level)] = read;
        return read;
    }

    /// <summary>What a pointer points to: '#', or '#/' and names between slashes.</summary>
    private JsonElement Target(string place, string path)
    {
        if (place != "#" && !place.StartsWith("#/", StringComparison.Ordinal))
        {
            throw Wrong(path, $"'$ref' must point into the schema itself, as '#/$defs/name' does, but it is '{place}'");
        }

        var at = _root;
        foreach (
            var part in Uri.UnescapeDataString(place)
                .Split('/')
                .Skip(1)
                .Select(part => part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal))
        )
        {
            at =
                at.ValueKind == JsonValueKind.Object && at.TryGetProperty(part, out var inner) ? inner
                : at.ValueKind == JsonValueKind.Array && int.TryParse(part, out var index) && index >= 0 && index < at.GetArrayLength()
                    ? at[index]
                : throw Wrong(path, $"'$ref' points to '{place}', but there is no '{part}'");
        }

        return at;
    }

    private static string[] KeysOf(string type) =>
        type switch
        {
            "object" => ["properties", "required", "additionalProperties"],
            "array" => ["items", "minItems", "maxItems"],
            "string" => ["minLength", "maxLength", "pattern", "format"],
            "number" or "integer" => s_bounds,
            _ => [],
        };

    private GrammarNode OfType(JsonElement schema, string type, string path, int depth, int level)
    {
        switch (type)
        {
            case "null":
                return new LiteralNode("null"u8.ToArray());
            case "boolean":
                return new ChoiceNode([new LiteralNode("true"u8.ToArray()), new LiteralNode("false"u8.ToArray())]);
            case "number":
            case "integer":
                return s_bounds.Any(key => schema.TryGetProperty(key, out _))
                    ? SchemaPatterns.Number(schema, type == "integer", path)
                    : new NumberNode(whole: type == "integer");
            case "string":
                return schema.TryGetProperty("pattern", out _) || schema.TryGetProperty("format", out _)
                    ? SchemaPatterns.Text(schema, path)
                    : String(Range(schema, "minLength", "maxLength", path));
            case "array" or "object" when level == DeepestValue:
                return NothingNode.One;
            case "array":
                var (least, most) = Range(schema, "minItems", "maxItems", path);
                return schema.TryGetProperty("items", out var items)
                    ? new ArrayNode(Read(items, $"{path}/items", depth + 1, level + 1), least, most)
                    : throw Wrong(path, "an array must say what its 'items' are");
            case "object":
                return Object(schema, path, depth, level);
            default:
                throw Wrong(path, $"'type' must be object, array, string, number, integer, boolean or null, but it is '{type}'");
        }
    }

    /// <summary>Equal ones are one, so that what is found out about it is found once.</summary>
    private StringNode String((int Least, int? Most) length) =>
        _strings.TryGetValue(length, out var known) ? known : _strings[length] = new StringNode(length.Least, length.Most);

    private ObjectNode Object(JsonElement schema, string path, int depth, int level)
    {
        if (
            schema.TryGetProperty("additionalProperties", out var more) && more.ValueKind is not (JsonValueKind.True or JsonValueKind.False)
        )
        {
            throw Wrong(path, "'additionalProperties' with a schema is not supported; it may be true or false");
        }

        var required = schema.TryGetProperty("required", out _)
            ? List(schema, "required", path).Select(name => name.ToString()).ToHashSet(StringComparer.Ordinal)
            : [];
        var properties = new List<(string Name, GrammarNode Value, bool Required)>();
        if (schema.TryGetProperty("properties", out var all))
        {
            if (all.ValueKind != JsonValueKind.Object)
            {
                throw Wrong(path, $"'properties' must be an object, but it is {all.ValueKind}");
            }

            foreach (var property in all.EnumerateObject())
            {
                properties.Add(
                    (
                        property.Name,
                        Read(property.Value, $"{path}/properties/{property.Name}", depth + 1, level + 1),
                        required.Contains(property.Name)
                    )
                );
            }
        }

        return required.Except(properties.Select(property => property.Name)).FirstOrDefault() is { } unknown
            ? throw Wrong(path, $"'{unknown}' is required, but it is not among the properties")
            : new ObjectNode(properties);
    }

    private static GrammarNode Choice(GrammarNode[] options, string path, string key) =>
        options.Length switch
        {
            0 => throw Wrong(path, $"'{key}' is empty, so nothing would be valid"),
            1 => options[0],
            _ => new ChoiceNode(options),
        };

    private static JsonElement[] List(JsonElement schema, string key, string path) =>
        schema.GetProperty(key) is { ValueKind: JsonValueKind.Array } list
            ? [.. list.EnumerateArray()]
            : throw Wrong(path, $"'{key}' must be a list, but it is {schema.GetProperty(key).GetRawText()}");

    private static (int Least, int? Most) Range(JsonElement schema, string least, string most, string path)
    {
        var (low, high) = (Count(least) ?? 0, Count(most));
        return low > high ? throw Wrong(path, $"'{least}' is {low} and '{most}' {high}, so nothing would be valid") : (low, high);

        int? Count(string key) =>
            !schema.TryGetProperty(key, out var value) ? null
            : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var count) && count is >= 0 and <= 1_000_000 ? count
            : throw Wrong(path, $"'{key}' must be a whole number from 0 to 1,000,000, but it is {value.GetRawText()}");
    }

    private static void Only(string path, HashSet<string> keys, params string[] known)
    {
        if (keys.Except(known).Order(StringComparer.Ordinal).FirstOrDefault() is { } unknown)
        {
            throw Wrong(
                path,
                $"the keyword '{unknown}' is not supported here. Beside descriptions there may be {string.Join(", ", known)}"
            );
        }
    }

    internal static ArgumentException Wrong(string path, string what) => new($"The JSON schema at {path}: {what}.");
}
