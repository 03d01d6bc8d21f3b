using System.Text.Json;
using AgentLightning.Models.Environments.Commands;

namespace AgentLightning.Models.Environments.Graders;

/// <summary>
/// Graders from the JSON of OpenAI's: <c>string_check</c>, <c>text_similarity</c> and <c>multi</c>, and of the same shape <c>match</c>,
/// <c>number</c>, <c>pattern</c>, <c>json_schema</c> and <c>command</c>. Those that ask a model or run code for a service are refused.
/// </summary>
public static class GraderReader
{
    private const int MostDepth = 8;

    /// <summary>Reads a grader.</summary>
    /// <exception cref="ArgumentException">It is not one, or cannot be run here; the message has the place.</exception>
    public static IGrader Read(JsonElement json) => Read(json, "grader", 0);

    private static IGrader Read(JsonElement json, string where, int depth)
    {
        if (json.ValueKind != JsonValueKind.Object || depth > MostDepth)
        {
            throw new ArgumentException(
                $"{where}: a grader must be an object, at most {MostDepth} levels deep, but it is {json.ValueKind}."
            );
        }

        var type = Text(json, "type", where);
        return type switch
        {
            "string_check" => new StringCheckGrader(
                Template(json, "input", where),
                Template(json, "reference", where),
                OneOf(json, "operation", StringCheckGrader.Operations, where)
            ),
            "text_similarity" => new TextSimilarityGrader(
                Template(json, "input", where),
                Template(json, "reference", where),
                OneOf(json, "evaluation_metric", TextSimilarityGrader.Metrics, where)
            ),
            "multi" => Multi(json, where, depth),
            "match" => new MatchGrader(Template(json, "input", where), Template(json, "reference", where)),
            "number" => new NumberGrader(
                Template(json, "input", where),
                Template(json, "reference", where),
                Number(json, "tolerance", 1e-9, where),
                Number(json, "relative_tolerance", 0, where)
            ),
            "pattern" => Pattern(json, where),
            "json_schema" => new JsonSchemaGrader(Template(json, "input", where), Member(json, "schema", where).Clone()),
            "command" => Command(json, where),
            "score_model" or "label_model" => throw new ArgumentException(
                $"{where}: '{type}' asks a model, which is not run here. Use string_check, text_similarity, match, number, pattern, "
                    + $"json_schema, command or multi."
            ),
            "python" => throw new ArgumentException($"{where}: 'python' is not run here. Put the code into a file and use 'command'."),
            _ => throw new ArgumentException(
                $"{where}: there is no grader of type '{type}'. There are: string_check, text_similarity, match, number, pattern, "
                    + $"json_schema, command and multi."
            ),
        };
    }

    private static MultiGrader Multi(JsonElement json, string where, int depth)
    {
        var given = Member(json, "graders", where);
        // A map by the guides, a list by an example, a single one by the schema: all are in use.
        List<(string Name, JsonElement Grader)> members = given.ValueKind switch
        {
            JsonValueKind.Array => [.. given.EnumerateArray().Select(grader => (Text(grader, "name", where), grader))],
            JsonValueKind.Object when given.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String =>
            [
                (Text(given, "name", where), given),
            ],
            JsonValueKind.Object => [.. given.EnumerateObject().Select(property => (property.Name, property.Value))],
            _ => throw new ArgumentException($"{where}: 'graders' must be an object or a list, but it is {given.ValueKind}."),
        };
        return new MultiGrader(
            [.. members.Select(member => (member.Name, Read(member.Grader, $"{where}.{member.Name}", depth + 1)))],
            new Formula(Text(json, "calculate_output", where), members.Select(member => member.Name))
        );
    }

    private static PatternGrader Pattern(JsonElement json, string where)
    {
        try
        {
            return new PatternGrader(Template(json, "input", where), Text(json, "pattern", where));
        }
        catch (System.Text.RegularExpressions.RegexParseException e)
        {
            throw new ArgumentException($"{where}: {e.Message}", e);
        }
    }

    private static CommandGrader Command(JsonElement json, string where)
    {
        var command = Member(json, "command", where);
        string[] words = command.ValueKind == JsonValueKind.Array ? [.. command.EnumerateArray().Select(word => word.ToString())] : [];
        var file = json.TryGetProperty("file", out _) ? Text(json, "file", where) : "answer.txt";
        var (seconds, megabytes) = (Number(json, "timeout_seconds", 10, where), Number(json, "memory_mb", 1024, where));
        if (
            words.Length == 0
            || file != Path.GetFileName(file)
            || seconds is not (> 0 and <= 3600)
            || megabytes is not (>= 16 and <= 1 << 20)
        )
        {
            throw new ArgumentException(
                $"{where}: 'command' must be a list of words, 'file' a name without folders, 'timeout_seconds' above 0 to 3600, and "
                    + $"'memory_mb' 16 to {1 << 20}."
            );
        }

        return new CommandGrader(
            Template(json, "input", where),
            file,
            new CommandSandbox(words, TimeSpan.FromSeconds(seconds), (int)megabytes)
        );
    }

    private static GraderTemplate Template(JsonElement json, string name, string where) =>
        name == "input" && !json.TryGetProperty(name, out _)
            ? new GraderTemplate("{{sample.output_text}}", where)
            : new GraderTemplate(Text(json, name, where), where);

    private static JsonElement Member(JsonElement json, string name, string where) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var member)
            ? member
            : throw new ArgumentException($"{where}: '{name}' is missing.");

    private static string Text(JsonElement json, string name, string where) =>
        Member(json, name, where) is { ValueKind: JsonValueKind.String } text
            ? text.GetString()!
            : throw new ArgumentException($"{where}: '{name}' must be a text.");

    private static string OneOf(JsonElement json, string name, string[] options, string where) =>
        Text(json, name, where) is var text && options.Contains(text)
            ? text
            : throw new ArgumentException(
                $"{where}: '{name}' must be one of {string.Join(", ", options)}, but it is "
                    + $"'{text}'.{(text is "cosine" or "meteor" ? " That one needs a model of meanings, which is not run here." : "")}"
            );

    private static double Number(JsonElement json, string name, double otherwise, string where) =>
        !json.TryGetProperty(name, out var member) ? otherwise
        : member.ValueKind == JsonValueKind.Number && member.GetDouble() is >= 0 and < double.PositiveInfinity and var value ? value
        : throw new ArgumentException($"{where}: '{name}' must be a number of 0 or more, but it is {member.GetRawText()}.");
}
