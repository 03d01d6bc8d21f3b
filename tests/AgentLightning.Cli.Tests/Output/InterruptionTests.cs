using System.Diagnostics;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests.Output;

public sealed class InterruptionTests
{
    [Fact]
    public void The_first_signal_asks_and_every_other_ends_the_process_without_an_error_of_its_own()
    {
        var exits = new List<int>();
        var interruption = new Interruption(code =>
        {
            lock (exits)
            {
                exits.Add(code);
            }
        });

        interruption.Interrupt(15);
        Assert.True(interruption.Token.IsCancellationRequested);
        Assert.Empty(exits);

        Parallel.For(0, 8, _ => interruption.Interrupt(2));
        Assert.Equal(Enumerable.Repeat(130, 8), exits);
        interruption.Dispose();
    }

    [Fact]
    public void A_signal_after_the_command_has_ended_is_no_error()
    {
        var interruption = new Interruption(_ => { });
        interruption.Dispose();

        interruption.Interrupt(15);
    }

    [Fact]
    public async Task Long_model_work_ends_with_the_code_of_its_signal_and_without_an_unhandled_exception()
    {
        using var folder = new TemporaryFolder();
        var docs = Path.Combine(Repository.Root, "docs", "concepts");
        await LanguageModelFolder.CreateAsync(folder.File("model"), Directory.GetFiles(docs, "*.md").Select(File.ReadAllText));
        using var process = Lightning.Start(
            folder.Path,
            ["model", "train", "--model", "model", "--data", docs, "--out", "out", "--full", "--steps", "1000000"]
        );
        var error = process.StandardError.ReadToEndAsync();
        // It says nothing before it has ended; so much is only computed once it is at work.
        using var looks = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!process.HasExited && process.TotalProcessorTime < TimeSpan.FromSeconds(5) && await looks.WaitForNextTickAsync()) { }

        // Once to ask, then until it is gone.
        while (!process.HasExited)
        {
            using var kill = Process.Start(new ProcessStartInfo("kill", ["-TERM", $"{process.Id}"]) { RedirectStandardError = true })!;
            await kill.WaitForExitAsync();
        }

        await process.WaitForExitAsync();
        Assert.DoesNotContain("nhandled", await error, StringComparison.Ordinal);
        Assert.Contains(process.ExitCode, new[] { 1, 143 });
    }
}
