using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

public sealed class LabelledFileTests
{
    private static readonly string[] s_columns = ["--text-column", "text", "--label-column", "label"];

    public static TheoryData<string> Commands => ["demo", "train"];

    [Fact]
    public async Task A_demo_shows_each_slice_before_and_after()
    {
        using var folder = new TemporaryFolder();
        CsvFile.Write(folder.File("data.csv"), CsvFile.TwoKinds(160));

        var demo = await Lightning.RunAsync(folder.Path, ["demo", "--data", "data.csv", .. s_columns, "--slice-column", "part"]);

        Assert.Equal(0, demo.ExitCode);
        Assert.All(["part-0", "part-1", "part-2"], part =>
            Assert.Matches($@"macro-F1 of {part}, \d+ items +│ [01]\.\d{{3}} +│ 1\.000", demo.Out)
        );
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task A_file_that_is_not_there_is_named(string command)
    {
        using var folder = new TemporaryFolder();

        Assert.Contains("There is no file", await RefusedAsync(folder, command, s_columns), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task A_missing_column_is_named_with_those_that_there_are(string command)
    {
        using var folder = new TemporaryFolder();
        CsvFile.Write(folder.File("data.csv"), CsvFile.TwoKinds(8));

        var message = await RefusedAsync(folder, command, ["--text-column", "body", "--label-column", "label"]);
        Assert.Contains("no column 'body'", message, StringComparison.Ordinal);
        Assert.Contains("text, label, part", message, StringComparison.Ordinal);

        Assert.Contains(
            "no column 'kind'",
            await RefusedAsync(folder, command, ["--text-column", "text", "--label-column", "kind"]),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "no column 'repo'",
            await RefusedAsync(folder, command, [.. s_columns, "--slice-column", "repo"]),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Data_needs_its_columns_named(string command)
    {
        using var folder = new TemporaryFolder();
        CsvFile.Write(folder.File("data.csv"), CsvFile.TwoKinds(8));

        Assert.Contains(
            "--text-column is required",
            await RefusedAsync(folder, command, ["--label-column", "label"]),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "--label-column is required",
            await RefusedAsync(folder, command, ["--text-column", "text"]),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task One_label_alone_is_too_few(string command)
    {
        using var folder = new TemporaryFolder();
        CsvFile.Write(folder.File("data.csv"), CsvFile.TwoKinds(8).Where(row => row[1] == "bug"));

        Assert.Contains("only one label, 'bug', in 4 rows", await RefusedAsync(folder, command, s_columns), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task A_header_alone_is_too_little_and_so_is_an_empty_file(string command)
    {
        using var folder = new TemporaryFolder();
        CsvFile.Write(folder.File("data.csv"), []);
        Assert.Contains("no rows", await RefusedAsync(folder, command, s_columns), StringComparison.Ordinal);

        await File.WriteAllTextAsync(folder.File("data.csv"), "");
        Assert.Contains("is empty", await RefusedAsync(folder, command, s_columns), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("demo", "", "bug", "empty text")]
    [InlineData("train", "  ", "bug", "empty text")]
    [InlineData("train", "A text", "", "empty label")]
    public async Task A_row_without_text_or_label_is_named_and_can_be_left_out(string command, string text, string label, string message)
    {
        using var folder = new TemporaryFolder();
        var rows = CsvFile.TwoKinds(40).ToList();
        rows.Insert(5, [text, label, "part-0"]);
        CsvFile.Write(folder.File("data.csv"), rows);

        var refused = await RefusedAsync(folder, command, s_columns);
        Assert.Contains("Row 7 ", refused, StringComparison.Ordinal);
        Assert.Contains(message, refused, StringComparison.Ordinal);
        Assert.Contains("--skip-empty", refused, StringComparison.Ordinal);

        Assert.Equal(0, (await RunAsync(folder, command, [.. s_columns, "--skip-empty"])).ExitCode);
    }

    [Fact]
    public async Task Fields_over_100_kilobytes_quotes_and_line_breaks_are_read_whole()
    {
        using var folder = new TemporaryFolder();
        var rows = CsvFile.TwoKinds(40).ToList();
        rows[4][0] = string.Join("\r\n", Enumerable.Repeat("The \"parser\", it crashes; 日本語 🙂", 8_000));
        CsvFile.Write(folder.File("data.csv"), rows);
        Assert.True(rows[4][0].Length > 100_000);

        Assert.Equal(40, (await RunAsync(folder, "train", s_columns)).Json().GetProperty("examples").GetInt32());
        var score = await Lightning.RunAsync(
            folder.Path,
            ["triage", "eval", "--model", "out", "--data", "data.csv", .. s_columns, "--json"]
        );
        Assert.Equal(40, score.Json().GetProperty("count").GetInt32());
        Assert.Equal(1, score.Json().GetProperty("accuracy").GetDouble());
        Assert.Equal(40, (await RunAsync(folder, "train", s_columns)).Json().GetProperty("examples").GetInt32());
    }

    [Fact]
    public async Task A_small_file_goes_through_the_whole_demo_and_is_not_promoted_on_too_little_evidence()
    {
        using var folder = new TemporaryFolder();
        CsvFile.Write(folder.File("data.csv"), CsvFile.TwoKinds(40));

        var json = (await RunAsync(folder, "demo", s_columns)).Json();

        Assert.False(json.GetProperty("gate").GetProperty("passed").GetBoolean());
        Assert.False(json.GetProperty("promoted").GetBoolean());
        Assert.Equal("nothing was promoted", json.GetProperty("rollback").GetProperty("reason").GetString());
    }

    private static Task<Outcome> RunAsync(TemporaryFolder folder, string command, string[] more) =>
        Lightning.RunAsync(
            folder.Path,
            [.. command == "train" ? new[] { "triage", "train" } : ["demo"], "--data", "data.csv", "--out", "out", "--json", .. more]
        );

    private static async Task<string> RefusedAsync(TemporaryFolder folder, string command, string[] more)
    {
        var message = (await RunAsync(folder, command, more)).Failed(2);
        Assert.False(Directory.Exists(folder.File("out")), "something was written before the data was checked");
        return message;
    }
}
