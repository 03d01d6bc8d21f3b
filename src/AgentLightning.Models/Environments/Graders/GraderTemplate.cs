using System.Globalization;
using System.Text;
using System.Text.Json;

namespace AgentLightning.Models.Environments.Graders;

/// <summary>
/// A text with places for what is graded: <c>{{sample.output_text}}</c>, <c>{{sample.output_json.a.b}}</c>, <c>{{item.a[0]}}</c>.
/// </summary>
internal sealed class GraderTemplate
{
    private const string OutputText = "sample.output_text",
        OutputJson = "sample.output_json",
        Item = "item";
    private readonly List<(string Text, string? Path)> _parts = [];

    /// <exception cref="ArgumentException">A place is not closed, or names what there is not.</exception>
    public GraderTemplate(string template, string where)
    {
        for (var at = 0; at < template.Length; )
        {
            var open = template.IndexOf("{{", at, StringComparison.Ordinal);
            if (open < 0)
            {
                _parts.Add((template[at..], null));
                break;
            }

            var close = template.IndexOf("}}", open, StringComparison.Ordinal);
            var path = close < 0 ? "" : template[(open + 2)..close].Trim();
            if (path != OutputText && Root(path) is null)
            {
                throw new ArgumentException(
                    $"{where}: '{template}' has a place {{{{{path}}}}}; there can be {{{{sample.output_text}}}}, "
                        + $"{{{{sample.output_json.name}}}} and {{{{item.name}}}}."
                );
            }

            _parts.Add((template[at..open], path));
            at = close + 2;
        }
    }

    /// <exception cref="InvalidDataException">What a place names is not there.</exception>
    public string Fill(GraderInput input)
    {
        var text = new StringBuilder();
        foreach (var (plain, path) in _parts)
        {
            text.Append(plain)
                .Append(
                    path is null ? ""
                    : path == OutputText ? input.OutputText
                    : Find(input, path)
                );
        }

        return text.ToString();
    }

    private static string? Root(string path) =>
        new[] { OutputJson, Item }.FirstOrDefault(root =>
            path == root || path.StartsWith(root + ".", StringComparison.Ordinal) || path.StartsWith(root + "[", StringComparison.Ordinal)
        );

    private static string Find(GraderInput input, string path)
    {
        var root = Root(path)!;
        var element = root == Item ? input.Item : Parse(input.OutputText);
        foreach (var name in path[root.Length..].Split(['.', '[', ']'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var property))
            {
                element = property;
            }
            else if (
                element.ValueKind == JsonValueKind.Array
                && int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
                && index < element.GetArrayLength()
            )
            {
                element = element[index];
            }
            else
            {
                throw new InvalidDataException($"There is no '{name}' on the way to '{path}'; there is {element.ValueKind}.");
            }
        }

        return element.ValueKind switch
        {
            JsonValueKind.String => element.GetString()!,
            JsonValueKind.Undefined => throw new InvalidDataException($"The task has nothing called '{path}'."),
            _ => element.GetRawText(),
        };
    }

    private static JsonElement Parse(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            // A sample that is not JSON has no members; what wants one says so.
            return default;
        }
    }
}
