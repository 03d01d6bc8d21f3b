using System.Text.Json;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

/// <summary>Prove, try, take back: each command by itself, through a store and through a server.</summary>
public sealed class ExperimentCommandTests(FinishedDemo demo)
{
    private static readonly string[] s_store = ["--store", "demo/lightning.db"];

    [Fact]
    public async Task A_run_that_is_worse_is_said_to_be_and_what_the_gate_knows_of_itself_with_it()
    {
        using var folder = new TemporaryFolder();
        demo.CopyTo(folder);
        var bad = (await RunsAsync(folder))[1];

        var shown = await Lightning.RunAsync(folder.Path, ["evaluate", "--run-id", bad, .. s_store]);
        var json = await Lightning.RunAsync(folder.Path, ["evaluate", "--run-id", bad, .. s_store, "--json"]);

        Assert.Equal((1, 1), (shown.ExitCode, json.ExitCode));
        foreach (var text in new[] { "worse: difference -", "look 3 at this held-out set", "Next: lightning train" })
        {
            Assert.Contains(text, shown.Out, StringComparison.Ordinal);
        }

        var verdict = JsonDocument.Parse(json.Out).RootElement.GetProperty("verdict");
        Assert.Equal(
            ("worse", 4),
            (verdict.GetProperty("outcome").GetString(), verdict.GetProperty("errors").GetProperty("look").GetInt32())
        );
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_experiment_is_started_shown_raised_and_stopped(bool throughServer)
    {
        using var folder = new TemporaryFolder();
        demo.CopyTo(folder);
        var bad = (await RunsAsync(folder))[1];
        using var server = throughServer ? await ServingProcess.StartAsync(folder.Path, "demo/lightning.db") : null;
        string[] place = server is null ? s_store : ["--server", server.Http.BaseAddress!.ToString()];

        var refused = await Lightning.RunAsync(folder.Path, ["experiment", "start", "--run-id", bad, .. place]);
        var started = await Lightning.RunAsync(
            folder.Path,
            ["experiment", "start", "--run-id", bad, "--split", "30", "--force", "--reason", "to see", .. place]
        );
        var status = (await Lightning.RunAsync(folder.Path, ["experiment", "status", .. place, "--json"])).Json();
        var shown = await Lightning.RunAsync(folder.Path, ["experiment", "status", .. place]);
        var stepped = (await Lightning.RunAsync(folder.Path, ["experiment", "step", "--split", "50", .. place, "--json"])).Json();
        var stopped = (await Lightning.RunAsync(folder.Path, ["experiment", "stop", "--reason", "seen", .. place, "--json"])).Json();
        var again = await Lightning.RunAsync(folder.Path, ["experiment", "stop", .. place]);
        var list = (await Lightning.RunAsync(folder.Path, ["experiment", "list", .. place, "--json"])).Json();

        Assert.Contains($"lightning evaluate --run-id {bad}", refused.Failed(1), StringComparison.Ordinal);
        Assert.Contains("control 70 %, candidate 30 %", started.Out, StringComparison.Ordinal);
        Assert.Contains("Next: lightning experiment status", started.Out, StringComparison.Ordinal);
        Assert.Equal(0.3, status.GetProperty("variants")[1].GetProperty("share").GetDouble(), 1e-9);
        foreach (var text in new[] { "variant", "candidate", "no figures yet", "wait: " })
        {
            Assert.Contains(text, shown.Out, StringComparison.Ordinal);
        }

        Assert.Equal(2, stepped.GetProperty("phase").GetInt32());
        Assert.Equal(("stopped", "seen"), (stopped.GetProperty("status").GetString(), stopped.GetProperty("reason").GetString()));
        Assert.Contains("lightning experiment start --run-id ID", again.Failed(1), StringComparison.Ordinal);
        Assert.Equal(1, list.GetProperty("experiments_found").GetInt32());
    }

    [Fact]
    public async Task A_release_is_taken_off_and_the_list_tells_of_it()
    {
        using var folder = new TemporaryFolder();
        demo.CopyTo(folder);

        var left = await Lightning.RunAsync(folder.Path, ["deactivate", "--reason", "holiday", .. s_store]);
        var again = await Lightning.RunAsync(folder.Path, ["deactivate", .. s_store]);
        var named = await Lightning.RunAsync(folder.Path, ["promote", "--model", "triage-rules", .. s_store]);
        var list = await Lightning.RunAsync(folder.Path, ["list-deployments", .. s_store]);

        Assert.Contains("Tuned model deactivated. Now using base model. Left: release", left.Out, StringComparison.Ordinal);
        Assert.Contains("No active tuned model", again.Out, StringComparison.Ordinal);
        Assert.Contains("triage-rules serves now", named.Out, StringComparison.Ordinal);
        Assert.Contains("Next: lightning list-deployments", named.Out, StringComparison.Ordinal);
        foreach (var text in new[] { "active", "triage-rules", "holiday", "production" })
        {
            Assert.Contains(text, list.Out, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_is_wrong_is_named_with_the_value_and_the_fix()
    {
        using var folder = new TemporaryFolder();
        demo.CopyTo(folder);
        string[][] wrong =
        [
            ["promote", .. s_store],
            ["experiment", "start", "--run-id", "x", "--split", "120", .. s_store],
            ["experiment", "start", "--run-id", "x", "--metric", "clicks", .. s_store],
            ["experiment", "step", "--split", "100", .. s_store],
            ["list-deployments", "--limit", "0", .. s_store],
            ["evaluate", "--run-id", "x y", .. s_store],
        ];
        string[] said = ["--run-id", "120", "'clicks'", "No experiment", "limit must be from 1 to 1000", "run_id must be"];

        foreach (var (words, text) in wrong.Zip(said))
        {
            var outcome = await Lightning.RunAsync(folder.Path, words);
            Assert.NotEqual(0, outcome.ExitCode);
            Assert.Contains(text, outcome.Error, StringComparison.Ordinal);
        }
    }

    /// <summary>The runs of the releases of the demo, newest first: the good one again, the bad one, the good one.</summary>
    private static async Task<List<string>> RunsAsync(TemporaryFolder folder) =>
        [
            .. (await Lightning.RunAsync(folder.Path, ["lineage", .. s_store, "--json"]))
                .Json()
                .GetProperty("lineage")
                .EnumerateArray()
                .Where(entry => entry.GetProperty("training_run").ValueKind == JsonValueKind.Object)
                .Select(entry => entry.GetProperty("training_run").GetProperty("id").GetString()!),
        ];
}
