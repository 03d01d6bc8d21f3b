using System.Text.Json;
using AgentLightning.Models.Environments.Graders;

namespace AgentLightning.Engine.Learning;

/// <summary>Who says how good a fresh answer is.</summary>
/// <param name="NeedsExpected">Whether rows without a right answer cannot be graded.</param>
internal sealed record GraderChoice(IGrader Grader, bool NeedsExpected)
{
    /// <summary>What the hyper-parameter can be.</summary>
    public const string Description =
        "It is exact_match, match (but for case, marks and punctuation), contains, number or similarity, each with the row's right answer; "
        + "or the JSON of a grader.";

    private static readonly Dictionary<string, string> s_words = new(StringComparer.Ordinal)
    {
        ["exact_match"] = """{"type":"string_check","operation":"eq","reference":"{{item.expected}}"}""",
        ["contains"] = """{"type":"string_check","operation":"ilike","reference":"{{item.expected}}"}""",
        ["match"] = """{"type":"match","reference":"{{item.expected}}"}""",
        ["number"] = """{"type":"number","reference":"{{item.expected}}"}""",
        ["similarity"] = """{"type":"text_similarity","evaluation_metric":"fuzzy_match","reference":"{{item.expected}}"}""",
    };

    /// <exception cref="ArgumentException">It is no grader, or one that is not run for others; the message says why.</exception>
    public static GraderChoice Read(string text)
    {
        var json = s_words.GetValueOrDefault(text) ?? text;
        try
        {
            using var document = JsonDocument.Parse(json);
            if (RunsCommands(document.RootElement))
            {
                throw new ArgumentException(
                    "a grader of type 'command' runs programs, which a run of a data set may not. 'lightning model rl' takes one."
                );
            }

            return new GraderChoice(
                GraderReader.Read(document.RootElement.Clone()),
                json.Contains("item.expected", StringComparison.Ordinal)
            );
        }
        catch (JsonException)
        {
            throw new ArgumentException($"'{(text.Length > 60 ? text[..60] + "…" : text)}' is none.");
        }
    }

    private static bool RunsCommands(JsonElement json) =>
        json.ValueKind switch
        {
            JsonValueKind.Object => json.EnumerateObject()
                .Any(member =>
                    (member.Name == "type" && member.Value.ValueKind == JsonValueKind.String && member.Value.ValueEquals("command"))
                    || RunsCommands(member.Value)
                ),
            JsonValueKind.Array => json.EnumerateArray().Any(RunsCommands),
            _ => false,
        };
}
