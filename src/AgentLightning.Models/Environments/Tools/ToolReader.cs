using System.Text.Json;
using AgentLightning.Models.Environments.Commands;

namespace AgentLightning.Models.Environments.Tools;

/// <summary>
/// Tools from JSON: objects with <c>name</c>, <c>description</c>, <c>parameters</c> (a JSON schema) and <c>command</c>, a list of words;
/// perhaps <c>timeout_seconds</c> (10) and <c>memory_mb</c> (1024).
/// </summary>
public static class ToolReader
{
    private static readonly string[] s_keys = ["name", "description", "parameters", "command", "timeout_seconds", "memory_mb"];

    /// <summary>Reads a list of tools.</summary>
    /// <exception cref="ArgumentException">It is none; the message has the place.</exception>
    public static IReadOnlyList<ITool> Read(JsonElement json) =>
        json.ValueKind == JsonValueKind.Array
            ? [.. json.EnumerateArray().Select((tool, i) => Read(tool, $"tools[{i}]"))]
            : throw new ArgumentException($"tools: there must be a list, but it is {json.ValueKind}.");

    private static CommandTool Read(JsonElement json, string where)
    {
        if (
            json.ValueKind != JsonValueKind.Object
            || json.EnumerateObject().FirstOrDefault(member => !s_keys.Contains(member.Name))
                is { Value.ValueKind: not JsonValueKind.Undefined }
        )
        {
            throw new ArgumentException(
                $"{where}: a tool must be an object of {string.Join(", ", s_keys)}, but it is {json.GetRawText()}."
            );
        }

        string[] words =
            json.TryGetProperty("command", out var command) && command.ValueKind == JsonValueKind.Array
                ? [.. command.EnumerateArray().Select(word => word.ToString())]
                : [];
        var parameters = json.TryGetProperty("parameters", out var schema) ? schema.Clone() : default;
        var (seconds, megabytes) = (Number(json, "timeout_seconds", 10), Number(json, "memory_mb", 1024));
        if (
            Text(json, "name") is not { } name
            || words.Length == 0
            || parameters.ValueKind != JsonValueKind.Object
            || seconds is not (> 0 and <= 3600)
            || megabytes is not (>= 16 and <= 1 << 20)
        )
        {
            throw new ArgumentException(
                $"{where}: 'name' must be a text, 'parameters' a JSON schema, 'command' a list of words, 'timeout_seconds' above 0 to "
                    + $"3600, and 'memory_mb' 16 to {1 << 20}."
            );
        }

        return new CommandTool(
            name,
            Text(json, "description") ?? "",
            parameters,
            new CommandSandbox(words, TimeSpan.FromSeconds(seconds), (int)megabytes)
        );
    }

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.String ? member.GetString() : null;

    private static double Number(JsonElement json, string name, double otherwise) =>
        !json.TryGetProperty(name, out var member) ? otherwise
        : member.ValueKind == JsonValueKind.Number ? member.GetDouble()
        : double.NaN;
}
