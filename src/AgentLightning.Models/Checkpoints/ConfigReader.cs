using System.Text.Json.Nodes;

namespace AgentLightning.Models.Checkpoints;

/// <summary>Values of a JSON object; every mistake names the file, the key, what was expected and what is there.</summary>
internal sealed class ConfigReader(string path, JsonObject json)
{
    public int Number(string key, int? otherwise = null) =>
        Value(key) is not { } value ? otherwise ?? throw Missing(key)
        : value.TryGetValue(out int number) ? number
        : throw Wrong(key, value.ToJsonString(), "a whole number");

    public double Real(string key, double? otherwise = null) =>
        Value(key) is not { } value ? otherwise ?? throw Missing(key)
        : value.TryGetValue(out double number) ? number
        : throw Wrong(key, value.ToJsonString(), "a number");

    public bool Flag(string key, bool otherwise) =>
        Value(key) is not { } value ? otherwise
        : value.TryGetValue(out bool flag) ? flag
        : throw Wrong(key, value.ToJsonString(), "true or false");

    public string Text(string key, string otherwise) =>
        Value(key) is not { } value ? otherwise
        : value.TryGetValue(out string? text) ? text
        : throw Wrong(key, value.ToJsonString(), "a text");

    /// <summary>A nested object, or null.</summary>
    public ConfigReader? Section(string key) =>
        json[key] switch
        {
            null => null,
            JsonObject section => new ConfigReader($"{path}, {key}", section),
            var other => throw Wrong(key, other.ToJsonString(), "an object"),
        };

    public void Expect(string key, string otherwise, params string[] known)
    {
        var text = Text(key, otherwise);
        if (!known.Contains(text))
        {
            throw Wrong(key, $"'{text}'", string.Join(" or ", known));
        }
    }

    public void ExpectFlag(string key, bool known)
    {
        if (Flag(key, known) != known)
        {
            throw Wrong(key, known ? "false" : "true", known ? "true" : "false");
        }
    }

    public InvalidDataException Wrong(string key, string seen, string expected) =>
        new($"{path}: '{key}' is {seen}, but only {expected} can be read here.");

    private InvalidDataException Missing(string key) => new($"{path}: '{key}' is missing.");

    private JsonValue? Value(string key) =>
        json[key] switch
        {
            null => null,
            JsonValue value => value,
            var other => throw Wrong(key, other.ToJsonString(), "a single value"),
        };
}
