using System.Text.Json;
using System.Text.RegularExpressions;

namespace AgentLightning.Models.Environments.Graders;

/// <summary>
/// JSON against the part of JSON Schema that answers are described with: <c>type enum const properties required additionalProperties items
/// minItems maxItems minLength maxLength pattern minimum maximum anyOf</c>. Any other rule is an error, so that none is passed over.
/// </summary>
internal static class JsonSchemaCheck
{
    private static readonly string[] s_rules =
    [
        "type",
        "enum",
        "const",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "minItems",
        "maxItems",
        "minLength",
        "maxLength",
        "pattern",
        "minimum",
        "maximum",
        "anyOf",
    ];

    private static readonly string[] s_notes = ["title", "description", "$schema", "$id", "default", "examples"];

    /// <exception cref="ArgumentException">It has a rule that is not known here.</exception>
    public static void Require(JsonElement schema, string path)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return;
        }

        if (schema.ValueKind != JsonValueKind.Object)
        {
            throw new ArgumentException($"{path}: a schema must be an object, but it is {schema.ValueKind}.");
        }

        foreach (var rule in schema.EnumerateObject())
        {
            if (!s_rules.Contains(rule.Name) && !s_notes.Contains(rule.Name))
            {
                throw new ArgumentException($"{path}: the rule '{rule.Name}' is not known. Known are: {string.Join(", ", s_rules)}.");
            }

            switch (rule.Name)
            {
                case "properties":
                    foreach (var property in rule.Value.EnumerateObject())
                    {
                        Require(property.Value, $"{path}.{property.Name}");
                    }

                    break;
                case "anyOf":
                    foreach (var option in rule.Value.EnumerateArray())
                    {
                        Require(option, $"{path}.anyOf");
                    }

                    break;
                case "items" or "additionalProperties":
                    Require(rule.Value, $"{path}.{rule.Name}");
                    break;
            }
        }
    }

    public static bool Fits(JsonElement schema, JsonElement value) =>
        schema.ValueKind == JsonValueKind.True
        || (schema.ValueKind == JsonValueKind.Object && schema.EnumerateObject().All(rule => Fits(schema, rule.Name, rule.Value, value)));

    private static bool Fits(JsonElement schema, string rule, JsonElement wanted, JsonElement value) =>
        rule switch
        {
            "type" => wanted.ValueKind == JsonValueKind.Array
                ? wanted.EnumerateArray().Any(type => IsType(type.GetString(), value))
                : IsType(wanted.GetString(), value),
            "enum" => wanted.EnumerateArray().Any(option => JsonElement.DeepEquals(option, value)),
            "const" => JsonElement.DeepEquals(wanted, value),
            "anyOf" => wanted.EnumerateArray().Any(option => Fits(option, value)),
            _ => value.ValueKind switch
            {
                JsonValueKind.Object => OfObject(schema, rule, wanted, value),
                JsonValueKind.Array => OfArray(rule, wanted, value),
                JsonValueKind.String => OfString(rule, wanted, value.GetString()!),
                JsonValueKind.Number => rule switch
                {
                    "minimum" => value.GetDouble() >= wanted.GetDouble(),
                    "maximum" => value.GetDouble() <= wanted.GetDouble(),
                    _ => true,
                },
                _ => true,
            },
        };

    private static bool OfObject(JsonElement schema, string rule, JsonElement wanted, JsonElement value) =>
        rule switch
        {
            "properties" => wanted
                .EnumerateObject()
                .All(property => !value.TryGetProperty(property.Name, out var member) || Fits(property.Value, member)),
            "required" => wanted.EnumerateArray().All(name => value.TryGetProperty(name.GetString()!, out _)),
            "additionalProperties" => value
                .EnumerateObject()
                .All(member =>
                    (schema.TryGetProperty("properties", out var known) && known.TryGetProperty(member.Name, out _))
                    || Fits(wanted, member.Value)
                ),
            _ => true,
        };

    private static bool OfArray(string rule, JsonElement wanted, JsonElement value) =>
        rule switch
        {
            "items" => value.EnumerateArray().All(item => Fits(wanted, item)),
            "minItems" => value.GetArrayLength() >= wanted.GetInt32(),
            "maxItems" => value.GetArrayLength() <= wanted.GetInt32(),
            _ => true,
        };

    private static bool OfString(string rule, JsonElement wanted, string value) =>
        rule switch
        {
            "minLength" => value.EnumerateRunes().Count() >= wanted.GetInt32(),
            "maxLength" => value.EnumerateRunes().Count() <= wanted.GetInt32(),
            "pattern" => Regex.IsMatch(value, wanted.GetString()!, RegexOptions.ECMAScript, TimeSpan.FromSeconds(1)),
            _ => true,
        };

    private static bool IsType(string? type, JsonElement value) =>
        type switch
        {
            "object" => value.ValueKind == JsonValueKind.Object,
            "array" => value.ValueKind == JsonValueKind.Array,
            "string" => value.ValueKind == JsonValueKind.String,
            "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            "null" => value.ValueKind == JsonValueKind.Null,
            "number" => value.ValueKind == JsonValueKind.Number,
            "integer" => value.ValueKind == JsonValueKind.Number && value.GetDouble() == Math.Floor(value.GetDouble()),
            _ => false,
        };
}
