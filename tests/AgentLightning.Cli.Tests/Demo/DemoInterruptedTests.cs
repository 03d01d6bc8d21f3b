using System.Text.Json;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

public sealed class DemoInterruptedTests(FinishedDemo demo)
{
    private static readonly string[] s_demo = ["demo", "--seed", $"{FinishedDemo.Seed}", "--json", "--out", "demo"];

    /// <summary>"" is a kill in the middle of the first step: after the store was made, before anything is noted as done.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("capture")]
    [InlineData("train")]
    [InlineData("promote")]
    [InlineData("bad-release")]
    public async Task A_demo_that_was_killed_goes_on_and_gives_the_figures_of_one_that_was_not(string after)
    {
        using var folder = new TemporaryFolder();
        await KillAfterAsync(folder, after);

        var resumed = await Lightning.RunAsync(folder.Path, s_demo);

        Assert.Equal(Figures.Of(demo.Outcome), Figures.Of(resumed));
    }

    [Fact]
    public async Task A_demo_that_was_killed_is_not_continued_with_another_seed()
    {
        using var folder = new TemporaryFolder();
        await LeaveUnfinishedAsync(folder);
        var before = Figures.FilesOf(folder.File("demo"));

        var refused = (await Lightning.RunAsync(folder.Path, "demo", "--seed", "99", "--json", "--out", "demo")).Failed(1);

        Assert.Contains($"unfinished demo (seed {FinishedDemo.Seed}", refused, StringComparison.Ordinal);
        Assert.Contains("--overwrite", refused, StringComparison.Ordinal);
        Assert.Equal(before, Figures.FilesOf(folder.File("demo")));
    }

    [Fact]
    public async Task A_demo_that_was_killed_is_not_continued_with_another_way_of_learning()
    {
        using var folder = new TemporaryFolder();
        await LeaveUnfinishedAsync(folder);

        var refused = (await Lightning.RunAsync(folder.Path, [.. s_demo, "--learn-from", "labels"])).Failed(1);

        Assert.Contains("unfinished demo", refused, StringComparison.Ordinal);
    }

    /// <summary>
    /// Leaves an unfinished demo. On a machine so busy that the demo ends before it is killed, the next one takes its place and is killed.
    /// </summary>
    private static async Task LeaveUnfinishedAsync(TemporaryFolder folder)
    {
        for (var tries = 0; !await KillAfterAsync(folder, "capture"); tries++)
        {
            Assert.True(tries < 20, "the demo always ended before it was killed");
        }
    }

    /// <summary>
    /// Starts a demo and kills it, without warning, as soon as it has noted that a step is done. False when it had ended just before.
    /// </summary>
    private static async Task<bool> KillAfterAsync(TemporaryFolder folder, string step)
    {
        var state = folder.File("demo/demo.json");
        using var process = Lightning.Start(folder.Path, s_demo);
        using var looks = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!process.HasExited && !IsReached() && await looks.WaitForNextTickAsync()) { }

        process.Kill();
        await process.WaitForExitAsync();
        return process.ExitCode != 0;

        bool IsReached() =>
            File.Exists(state) && File.Exists(folder.File("demo/lightning.db")) && (step.Length == 0 || Done(state).Contains(step));
    }

    private static List<string?> Done(string state)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(state));
        return [.. json.RootElement.GetProperty("done").EnumerateArray().Select(step => step.GetString())];
    }
}
