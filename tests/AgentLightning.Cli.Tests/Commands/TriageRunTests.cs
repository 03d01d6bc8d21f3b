using System.Text.Json;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

public sealed class TriageRunTests(FinishedDemo demo)
{
    private const string Text = "The docs link on the start page returns 404";

    [Fact]
    public async Task A_text_is_analysed_by_the_rules_where_nothing_else_is_named()
    {
        using var folder = new TemporaryFolder();

        var json = (
            await Lightning.RunAsync(folder.Path, "triage", "run", Text, "--type", "bug", "--rating", "1", "--page", "/start", "--json")
        ).Json();

        Assert.Equal(
            [
                "episode_id",
                "category",
                "severity",
                "action",
                "priority",
                "confidence",
                "reasoning",
                "needs_human",
                "model",
                "deployment_id",
            ],
            json.EnumerateObject().Select(property => property.Name)
        );
        Assert.Equal("website-bug", json.GetProperty("category").GetString());
        Assert.Equal("high", json.GetProperty("severity").GetString());
        Assert.Equal("triage-rules", json.GetProperty("model").GetString());
        Assert.Equal(JsonValueKind.Null, json.GetProperty("episode_id").ValueKind);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task A_hyphen_reads_the_text_from_standard_input()
    {
        using var folder = new TemporaryFolder();

        var given = await Lightning.RunAsync(folder.Path, "triage", "run", Text, "--json");
        var read = await Lightning.RunAsync(folder.Path, Text, ["triage", "run", "-", "--json"]);

        Assert.Equal(given.Json().GetRawText(), read.Json().GetRawText());
    }

    [Theory]
    [InlineData("")]
    [InlineData("  \t")]
    [InlineData("-")]
    public async Task No_text_is_refused(string text)
    {
        using var folder = new TemporaryFolder();

        Assert.Contains(
            "no text",
            (await Lightning.RunAsync(folder.Path, "\n", ["triage", "run", text, "--json"])).Failed(2),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_rating_out_of_range_is_refused_with_the_range()
    {
        using var folder = new TemporaryFolder();

        Assert.Contains(
            "from 1 to 5",
            (await Lightning.RunAsync(folder.Path, "triage", "run", Text, "--rating", "6")).Failed(2),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task People_see_the_analysis_without_signs_for_terminals_in_a_pipe()
    {
        using var folder = new TemporaryFolder();

        var shown = await Lightning.RunAsync(folder.Path, "triage", "run", Text + " [bold]", "--type", "bug");

        Assert.Equal(0, shown.ExitCode);
        Assert.Contains("website-bug", shown.Out, StringComparison.Ordinal);
        Assert.Contains("triage-rules", shown.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", shown.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_answers_with_its_active_release_and_keeps_the_episode()
    {
        using var folder = new TemporaryFolder();
        demo.CopyTo(folder);

        var json = (await Lightning.RunAsync(folder.Path, "triage", "run", Text, "--store", "demo/lightning.db", "--json")).Json();

        Assert.NotNull(json.GetProperty("episode_id").GetString());
        var active = (await Lightning.RunAsync(folder.Path, "lineage", "--store", "demo/lightning.db", "--json"))
            .Json()
            .GetProperty("lineage")[0];
        Assert.Equal(active.GetProperty("tuned_model").GetString(), json.GetProperty("model").GetString());
        Assert.NotEqual("triage-rules", json.GetProperty("model").GetString());
    }

    [Fact]
    public async Task A_model_and_a_store_together_and_a_store_that_is_not_there_are_refused()
    {
        using var folder = new TemporaryFolder();

        Assert.Contains(
            "give one of them",
            (await Lightning.RunAsync(folder.Path, "triage", "run", Text, "--store", "a.db", "--model", "m")).Failed(2),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "no store 'a.db'",
            (await Lightning.RunAsync(folder.Path, "triage", "run", Text, "--store", "a.db")).Failed(1),
            StringComparison.Ordinal
        );
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }
}
