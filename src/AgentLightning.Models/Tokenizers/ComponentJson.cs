using System.Text.Json;

namespace AgentLightning.Models.Tokenizers;

/// <summary>One component of tokenizer.json. Every property must be asked for; <see cref="Done"/> refuses what nobody asked for.</summary>
internal sealed class ComponentJson
{
    private readonly JsonElement _element;
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    public ComponentJson(JsonElement element, string path)
    {
        _element = element.ValueKind == JsonValueKind.Object ? element : throw Malformed(path, "an object", element);
        Path = path;
    }

    public string Path { get; }

    public string Type => String("type");

    public bool Has(string name) => Find(name) is not null;

    public string String(string name) => OptionalString(name) ?? throw new InvalidDataException($"{Path} lacks '{name}'.");

    public string? OptionalString(string name) =>
        Find(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()!
        : throw Malformed($"{Path}.{name}", "a string", value);

    public bool Bool(string name, bool otherwise) =>
        Find(name) switch
        {
            null => otherwise,
            { ValueKind: JsonValueKind.True } => true,
            { ValueKind: JsonValueKind.False } => false,
            { } value => throw Malformed($"{Path}.{name}", "true or false", value),
        };

    public int Int(string name, int? otherwise = null) =>
        Find(name) is not { } value ? otherwise ?? throw new InvalidDataException($"{Path} lacks '{name}'.")
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number
        : throw Malformed($"{Path}.{name}", "a whole number", value);

    public ComponentJson? Component(string name) => Find(name) is { } value ? new ComponentJson(value, $"{Path}.{name}") : null;

    public IEnumerable<ComponentJson> Components(string name) =>
        Items(name).Select((item, i) => new ComponentJson(item, $"{Path}.{name}[{i}]"));

    public JsonElement[] Items(string name) =>
        Find(name) is not { } value ? []
        : value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()]
        : throw Malformed($"{Path}.{name}", "a list", value);

    public JsonElement? Find(string name)
    {
        _asked.Add(name);
        return _element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    /// <summary>Refuses the properties that have a value and that nobody asked for.</summary>
    public void Done()
    {
        foreach (var property in _element.EnumerateObject())
        {
            if (!_asked.Contains(property.Name) && property.Value.ValueKind != JsonValueKind.Null)
            {
                throw new UnsupportedTokenizerException(
                    $"{Path}.{property.Name}",
                    $"The option '{property.Name}' of {Path}{OfType()} is not implemented, and leaving it out could change tokens."
                );
            }
        }
    }

    public UnsupportedTokenizerException Unknown(string known) =>
        new(Path, $"{Path} has the type '{Type}', which is not implemented. Implemented are: {known}.");

    /// <summary>Refuses a value that the option may have elsewhere.</summary>
    public UnsupportedTokenizerException Refuse(string option, string value, string known) =>
        new($"{Path}.{option}", $"The option '{option}' of {Path}{OfType()} is '{value}', which is not implemented. Implemented: {known}.");

    private string OfType() =>
        _element.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String ? $" ({type.GetString()})" : "";

    private static InvalidDataException Malformed(string path, string expected, JsonElement seen) =>
        new($"{path} should be {expected}, but it is {seen.ValueKind.ToString().ToLowerInvariant()}.");
}
