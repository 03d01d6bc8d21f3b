using System.Text.Json;

namespace AgentLightning.Server.Tests.Support;

/// <summary>
/// One operation of the server as its OpenAPI document tells it, so that a test goes over routes that were added after it.
/// </summary>
/// <param name="Query">Names of the query parameters.</param>
/// <param name="Body">Names and types of the properties of a JSON body; null where there is no body.</param>
/// <param name="MediaType">The body's type; null where there is no body.</param>
/// <param name="Statuses">The statuses that it announces.</param>
public sealed record OpenApiOperation(
    string Method,
    string Path,
    IReadOnlyList<string> Query,
    IReadOnlyList<(string Name, string Type)>? Body,
    string? MediaType,
    IReadOnlySet<int> Statuses
)
{
    public static async Task<IReadOnlyList<OpenApiOperation>> ReadAsync(ServerUnderTest server)
    {
        var document = await server.GetAsync("/openapi/v1.json");
        return
        [
            .. from path in document.GetProperty("paths").EnumerateObject()
            from operation in path.Value.EnumerateObject()
            where operation.Value.ValueKind == JsonValueKind.Object && operation.Value.TryGetProperty("responses", out _)
            select Of(document, operation.Name.ToUpperInvariant(), path.Name, operation.Value),
        ];
    }

    /// <summary>The path with each of its parameters in place.</summary>
    public string PathWith(Func<string, string> value) =>
        string.Concat(
            Path.Split('{', '}').Select((part, i) => i % 2 == 0 ? part : Uri.EscapeDataString(value(part.TrimStart('*').Split(':')[0])))
        );

    private static OpenApiOperation Of(JsonElement document, string method, string path, JsonElement operation)
    {
        var query = operation.TryGetProperty("parameters", out var parameters)
            ? parameters
                .EnumerateArray()
                .Where(parameter => parameter.GetProperty("in").GetString() == "query")
                .Select(parameter => parameter.GetProperty("name").GetString()!)
                .ToList()
            : [];
        var content =
            operation.TryGetProperty("requestBody", out var body) && body.TryGetProperty("content", out var types)
                ? types.EnumerateObject().ToList()
                : [];
        var json = content.FirstOrDefault(type => type.Name.Contains("json", StringComparison.Ordinal));
        var properties =
            json.Value.ValueKind == JsonValueKind.Object && json.Value.TryGetProperty("schema", out var schema)
                ? PropertiesOf(document, schema)
                : [];
        return new OpenApiOperation(
            method,
            path,
            query,
            content.Count == 0 ? null : properties,
            content.Count == 0 ? null : json.Name ?? content[0].Name,
            operation
                .GetProperty("responses")
                .EnumerateObject()
                .Select(response => int.TryParse(response.Name, out var status) ? status : 200)
                .ToHashSet()
        );
    }

    private static List<(string, string)> PropertiesOf(JsonElement document, JsonElement schema)
    {
        if (schema.TryGetProperty("$ref", out var reference))
        {
            return PropertiesOf(
                document,
                document.GetProperty("components").GetProperty("schemas").GetProperty(reference.GetString()!.Split('/')[^1])
            );
        }

        foreach (var choice in new[] { "oneOf", "anyOf", "allOf" })
        {
            if (schema.TryGetProperty(choice, out var several))
            {
                return [.. several.EnumerateArray().SelectMany(one => PropertiesOf(document, one))];
            }
        }

        return schema.TryGetProperty("properties", out var properties)
            ? [.. properties.EnumerateObject().Select(property => (property.Name, TypeOf(property.Value)))]
            : [];
    }

    private static string TypeOf(JsonElement schema) =>
        !schema.TryGetProperty("type", out var type) ? "object"
        : type.ValueKind == JsonValueKind.String ? type.GetString()!
        : type.EnumerateArray()
            .Select(one => one.GetString()!)
            .Where(one => one != "null")
            .DefaultIfEmpty("object")
            .MaxBy(one => one is "string" ? 0 : 1)!;
}
