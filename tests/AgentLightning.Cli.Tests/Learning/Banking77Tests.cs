using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

/// <summary>Customer questions with 77 intents.</summary>
public sealed class Banking77Tests
{
    private static readonly string[] s_columns = ["--text-column", "text", "--label-column", "category"];

    [Fact]
    public async Task A_policy_trained_on_four_fifths_answers_88_percent_of_the_rest_rightly()
    {
        var rows = CsvFile.Read(SharedData.Require("banking77/train.csv"));
        using var folder = new TemporaryFolder();
        CsvFile.Write(folder.File("train.csv"), ["text", "category"], rows.Where((_, i) => i % 5 != 0));
        CsvFile.Write(folder.File("test.csv"), ["text", "category"], rows.Where((_, i) => i % 5 == 0));

        var trained = (
            await Lightning.RunAsync(
                folder.Path,
                ["triage", "train", "--data", "train.csv", .. s_columns, "--out", "model", "--seed", Figures.MeasuredSeed, "--json"]
            )
        ).Json();
        var score = (
            await Lightning.RunAsync(folder.Path, ["triage", "eval", "--model", "model", "--data", "test.csv", .. s_columns, "--json"])
        ).Json();

        Assert.Equal(77, trained.GetProperty("labels").GetArrayLength());
        Assert.Equal(rows.Count, trained.GetProperty("examples").GetInt32() + score.GetProperty("count").GetInt32());
        Assert.Equal(77, score.GetProperty("classes").GetArrayLength());
        Assert.InRange(score.GetProperty("accuracy").GetDouble(), 0.88, 1);
    }
}
