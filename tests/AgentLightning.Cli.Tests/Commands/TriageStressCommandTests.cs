using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

public sealed class TriageStressCommandTests
{
    [Fact]
    public async Task Setup_prints_its_three_lines_and_writes_nothing()
    {
        using var folder = new TemporaryFolder();

        var run = await Lightning.RunAsync(folder.Path, "triage", "train", "--mode", "setup");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(
            "✓ Training dataset ready: 12 examples\n✓ Analyzer agent code loaded successfully\n✓ Setup test complete!\n",
            run.Out.ReplaceLineEndings("\n")
        );
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task Another_mode_and_a_missing_folder_are_refused_with_what_to_give()
    {
        using var folder = new TemporaryFolder();

        var mode = await Lightning.RunAsync(folder.Path, "triage", "train", "--mode", "sleep");
        var noFolder = await Lightning.RunAsync(folder.Path, "triage", "train", "--data", "none.csv");

        Assert.Equal((2, 2), (mode.ExitCode, noFolder.ExitCode));
        Assert.Contains("--mode must be train or setup, but it is 'sleep'", mode.Error, StringComparison.Ordinal);
        Assert.Contains("--out is required", noFolder.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stress_test_reports_the_rules_and_says_that_no_model_was_tried()
    {
        using var folder = new TemporaryFolder();

        var run = await Lightning.RunAsync(folder.Path, "triage", "stress");
        var report = await File.ReadAllTextAsync(Path.Combine(folder.Path, "STRESS_TEST_REPORT.md"));

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("Tests passed: 4 of 4", report, StringComparison.Ordinal);
        Assert.Contains("## Rule path: triage-rules", report, StringComparison.Ordinal);
        Assert.Contains("| categories right | 6 of 6 |", report, StringComparison.Ordinal);
        Assert.Contains("| hard inputs handled | 4 of 4 |", report, StringComparison.Ordinal);
        Assert.Contains("No model was tried", report, StringComparison.Ordinal);
        Assert.DoesNotContain("Model path", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_report_that_cannot_be_written_says_where()
    {
        using var folder = new TemporaryFolder();

        var run = await Lightning.RunAsync(folder.Path, "triage", "stress", "--out", Path.Combine(folder.Path, "none", "report.md"));

        Assert.NotEqual(0, run.ExitCode);
        Assert.Contains("give another file with --out", run.Error, StringComparison.OrdinalIgnoreCase);
    }
}
