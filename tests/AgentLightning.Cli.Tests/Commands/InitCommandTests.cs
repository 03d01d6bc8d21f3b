using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

public sealed class InitCommandTests(FinishedDemo demo)
{
    [Fact]
    public async Task Settings_are_written_that_the_server_takes_and_the_loop_is_named()
    {
        using var folder = new TemporaryFolder();

        var run = await Lightning.RunAsync(
            folder.Path,
            ["init", "--agent-id", "shop", "--upstream", "http://127.0.0.1:9/v1", "--base-model", "small", "--json"]
        );

        Assert.Equal(
            [
                "lightning serve --config lightning.json",
                "lightning build-dataset --agent-id shop --name shop-1",
                "lightning train --agent-id shop --dataset-id DATASET-ID",
                "lightning evaluate --agent-id shop --run-id RUN-ID",
                "lightning promote --agent-id shop --run-id RUN-ID",
            ],
            run.Json().GetProperty("commands").EnumerateArray().Select(command => command.GetString())
        );
        // What is there so far is not made by it.
        Assert.Equal(["lightning.json"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public async Task The_ids_that_there_are_stand_in_the_commands()
    {
        using var folder = new TemporaryFolder();
        var store = Path.Combine(demo.CopyTo(folder), "lightning.db");

        var run = await Lightning.RunAsync(folder.Path, ["init", "--agent-id", "triage", "--store", store]);

        Assert.Equal(0, run.ExitCode);
        Assert.DoesNotContain("DATASET-ID", run.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("RUN-ID", run.Out, StringComparison.Ordinal);
        Assert.Contains($"--store '{store}'", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_replaced_unless_it_is_asked_for()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("lightning.json"), "mine");

        var refused = await Lightning.RunAsync(folder.Path, ["init", "--agent-id", "shop"]);

        Assert.Contains("is there already", refused.Error, StringComparison.Ordinal);
        Assert.Equal("mine", await File.ReadAllTextAsync(folder.File("lightning.json")));
        Assert.Equal(0, (await Lightning.RunAsync(folder.Path, ["init", "--agent-id", "shop", "--overwrite"])).ExitCode);
    }

    [Fact]
    public async Task A_model_without_a_server_and_a_wrong_name_are_refused()
    {
        using var folder = new TemporaryFolder();

        var model = await Lightning.RunAsync(folder.Path, ["init", "--agent-id", "shop", "--base-model", "small"]);
        var name = await Lightning.RunAsync(folder.Path, ["init", "--agent-id", "a shop"]);

        Assert.Contains("need --upstream", model.Error, StringComparison.Ordinal);
        Assert.Contains("--agent-id", name.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }
}
