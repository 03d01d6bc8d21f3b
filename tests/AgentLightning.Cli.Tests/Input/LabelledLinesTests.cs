using AgentLightning.Cli.Input;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Common;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

/// <summary>Labelled data in lines of JSON.</summary>
public sealed class LabelledLinesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_MongoDB_exports_is_read_as_what_it_says()
    {
        var item = Assert.Single(
            Read(
                """{"_id":{"$oid":"64b0"},"feedback":{"comment":"The page is slow"},"type":"bug","rating":{"$numberInt":"2"},"page":"/docs","label":"website-bug","team":{"$numberLong":"7"},"at":{"$date":"2026-01-01T00:00:00Z"}}""",
                text: ["feedback.comment"],
                slice: "team"
            )
        );

        Assert.Equal(
            ("The page is slow", "bug", 2, "/docs", "website-bug", "7"),
            (item.Task.Comment, item.Task.Type, item.Task.Rating ?? 0, item.Task.Page, item.Label, item.Slice)
        );
    }

    [Fact]
    public void The_first_of_several_fields_is_the_title_and_blank_lines_are_passed_over()
    {
        var items = Read(
            "{\"title\":\"T\",\"body\":\"B\",\"label\":\" a \"}\n\n  \n{\"title\":\"U\",\"label\":\"b\"}\n",
            ["title", "body"]
        );

        Assert.Equal([("T", "B", "a"), ("U", "", "b")], items.Select(item => (item.Task.Title!, item.Task.Comment, item.Label)));
    }

    [Theory]
    [InlineData("{\"body\":\"x\",\"label\":\"a\"}\n[1]", "Line 2 of", "must be a JSON object, but it is Array")]
    [InlineData("{\"body\":\"x\",\"label\":\"a\"}\n{\"body\":", "Line 2 of", "cannot be read as JSON")]
    [InlineData("{\"text\":\"x\",\"label\":\"a\"}", "has no text (body)", "It has: text, label")]
    [InlineData("{\"body\":\"x\",\"label\":null}", "has no label (label)", "--skip-empty")]
    [InlineData("{\"body\":[\"x\"],\"label\":\"a\"}", "The field 'body' in line 1", "must be a text or a number, but it is Array")]
    [InlineData("{\"body\":{\"deep\":\"x\"},\"label\":\"a\"}", "The field 'body' in line 1", "but it is Object")]
    public void A_line_that_cannot_be_used_is_named_with_what_is_wrong(string lines, string where, string what)
    {
        var error = Assert.Throws<LightningException>(() => Read(lines, ["body"]));

        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.Contains(where, error.Message, StringComparison.Ordinal);
        Assert.Contains(what, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Lines_without_text_or_label_can_be_left_out()
    {
        var items = Read("{\"body\":\"x\",\"label\":\"\"}\n{\"label\":\"a\"}\n{\"body\":\"x\",\"label\":\"a\"}", ["body"], skipEmpty: true);

        Assert.Equal("a", Assert.Single(items).Label);
    }

    [Fact]
    public async Task A_model_is_trained_and_scored_on_lines_as_on_a_table()
    {
        File.WriteAllLines(
            _folder.File("issues.jsonl"),
            CsvFile.TwoKinds(160).Select(row => System.Text.Json.JsonSerializer.Serialize(new { body = row[0], label = row[1] }))
        );

        var trained = await Lightning.RunAsync(
            _folder.Path,
            ["triage", "train", "--data", "issues.jsonl", "--text-column", "body", "--label-column", "label", "--out", "model", "--json"]
        );
        var scored = await Lightning.RunAsync(
            _folder.Path,
            ["triage", "eval", "--data", "issues.jsonl", "--text-column", "body", "--label-column", "label", "--model", "model", "--json"]
        );
        var wrong = await Lightning.RunAsync(
            _folder.Path,
            [
                "triage",
                "eval",
                "--data",
                "issues.jsonl",
                "--text-column",
                "body",
                "--label-column",
                "label",
                "--model",
                "model",
                "--delimiter",
                ";",
            ]
        );

        Assert.Equal(160, trained.Json().GetProperty("examples").GetInt32());
        Assert.True(scored.Json().GetProperty("accuracy").GetDouble() > 0.9);
        Assert.Contains("--delimiter are for CSV files", wrong.Error, StringComparison.Ordinal);
    }

    private List<LabelledItem> Read(string lines, string[] text, string? slice = null, bool skipEmpty = false)
    {
        File.WriteAllText(_folder.File("data.jsonl"), lines);
        return [.. new LabelledLines(_folder.File("data.jsonl"), text, "label", slice, skipEmpty).Read()];
    }
}
