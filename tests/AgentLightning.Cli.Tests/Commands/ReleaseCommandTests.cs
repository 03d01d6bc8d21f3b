using System.Text.Json;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

public sealed class ReleaseCommandTests(FinishedDemo demo)
{
    private static readonly string[] s_store = ["--store", "demo/lightning.db"];

    [Fact]
    public async Task Lineage_tells_the_story_of_the_demo_newest_first()
    {
        using var folder = new TemporaryFolder();
        demo.CopyTo(folder);

        var lineage = await LineageAsync(folder);

        Assert.Equal([true, false, false, false], lineage.Select(entry => entry.GetProperty("is_active").GetBoolean()));
        Assert.Equal(["reward-guard", "demo", "demo", "demo"], lineage.Select(entry => entry.GetProperty("promoted_by").GetString()));
        Assert.Equal([false, true, false, false], lineage.Select(entry => entry.GetProperty("forced").GetBoolean()));
        Assert.Equal(lineage[1].GetProperty("deployment_id").GetString(), lineage[0].GetProperty("rollback_from").GetString());
        Assert.Equal(
            demo.Outcome.Json().GetProperty("rollback").GetProperty("reason").GetString(),
            lineage[0].GetProperty("rollback_reason").GetString()
        );
        Assert.Equal(lineage[2].GetProperty("tuned_model").GetString(), lineage[0].GetProperty("tuned_model").GetString());
        Assert.Equal("triage-rules", lineage[3].GetProperty("tuned_model").GetString());
        var evidence = lineage[2].GetProperty("evaluation");
        Assert.Equal(
            demo.Outcome.Json().GetProperty("candidate").GetProperty("value").GetDouble(),
            evidence.GetProperty("candidate").GetDouble()
        );
        Assert.Equal("policy_gradient", lineage[2].GetProperty("training_run").GetProperty("method").GetString());
    }

    [Fact]
    public async Task Lineage_for_people_shows_models_evidence_and_reasons_without_signs_for_terminals_in_a_pipe()
    {
        using var folder = new TemporaryFolder();
        demo.CopyTo(folder);

        var shown = await Lightning.RunAsync(folder.Path, ["lineage", .. s_store]);

        Assert.Equal(0, shown.ExitCode);
        foreach (var word in new[] { "active", "model", "evidence", "forced", "built in", "rollback" })
        {
            Assert.Contains(word, shown.Out, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("\u001b", shown.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rollback_goes_back_once_and_then_says_that_there_is_nothing_left()
    {
        using var folder = new TemporaryFolder();
        demo.CopyTo(folder);

        var release = (
            await Lightning.RunAsync(
                folder.Path,
                ["rollback", .. s_store, "--reason", "worse answers", "--rolled-back-by", "ada", "--json"]
            )
        ).Json();
        var second = await Lightning.RunAsync(folder.Path, ["rollback", .. s_store]);

        Assert.Equal("triage-rules", release.GetProperty("tuned_model_name").GetString());
        Assert.True(release.GetProperty("is_active").GetBoolean());
        Assert.Equal("No previous deployment to roll back to", second.Failed(1)["error: ".Length..].TrimEnd());
        var entry = (await LineageAsync(folder))[0];
        Assert.Equal("worse answers", entry.GetProperty("rollback_reason").GetString());
        Assert.Equal("ada", entry.GetProperty("promoted_by").GetString());
    }

    [Fact]
    public async Task A_rollback_can_name_its_target_which_must_exist()
    {
        using var folder = new TemporaryFolder();
        demo.CopyTo(folder);
        var bad = (await LineageAsync(folder))[1];

        var unknown = await Lightning.RunAsync(folder.Path, ["rollback", .. s_store, "--target-id", "nobody"]);
        var release = (
            await Lightning.RunAsync(
                folder.Path,
                ["rollback", .. s_store, "--target-id", bad.GetProperty("deployment_id").GetString()!, "--json"]
            )
        ).Json();

        Assert.Contains("nobody", unknown.Failed(1), StringComparison.Ordinal);
        Assert.Equal(bad.GetProperty("tuned_model").GetString(), release.GetProperty("tuned_model_name").GetString());
    }

    [Fact]
    public async Task A_run_is_promoted_through_the_gate_or_by_force_and_the_record_says_which()
    {
        using var folder = new TemporaryFolder();
        demo.CopyTo(folder);
        var lineage = await LineageAsync(folder);
        var (bad, good) = (Run(lineage[1]), Run(lineage[2]));

        Assert.Contains("already active", (await PromoteAsync(good)).Failed(1), StringComparison.Ordinal);
        Assert.Contains("The gate has not passed", (await PromoteAsync(bad)).Failed(1), StringComparison.Ordinal);
        var forced = (await PromoteAsync(bad, "--force", "--promoted-by", "ada")).Json();
        Assert.Contains("compared with 'triage-rules'", (await PromoteAsync(good)).Failed(1), StringComparison.Ordinal);

        Assert.True(forced.GetProperty("forced").GetBoolean());
        Assert.Equal("ada", forced.GetProperty("promoted_by").GetString());
        Assert.Equal(lineage[0].GetProperty("deployment_id").GetString(), forced.GetProperty("replaces").GetString());
        await Lightning.RunAsync(
            folder.Path,
            ["rollback", .. s_store, "--target-id", lineage[3].GetProperty("deployment_id").GetString()!]
        );
        Assert.False((await PromoteAsync(good)).Json().GetProperty("forced").GetBoolean());

        Task<Outcome> PromoteAsync(string run, params string[] more) =>
            Lightning.RunAsync(folder.Path, ["promote", "--run-id", run, .. s_store, "--json", .. more]);

        static string Run(JsonElement entry) => entry.GetProperty("training_run").GetProperty("id").GetString()!;
    }

    [Fact]
    public async Task People_are_told_what_serves_after_a_promotion()
    {
        using var folder = new TemporaryFolder();
        demo.CopyTo(folder);
        var bad = (await LineageAsync(folder))[1];

        var shown = await Lightning.RunAsync(
            folder.Path,
            ["promote", "--run-id", bad.GetProperty("training_run").GetProperty("id").GetString()!, "--force", .. s_store]
        );

        Assert.Contains(bad.GetProperty("tuned_model").GetString()!, shown.Out, StringComparison.Ordinal);
        Assert.Contains(
            "forced past the gate",
            string.Join(' ', shown.Out.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_run_that_nobody_knows_is_not_promoted()
    {
        using var folder = new TemporaryFolder();
        demo.CopyTo(folder);

        Assert.Contains(
            "Training run nobody",
            (await Lightning.RunAsync(folder.Path, ["promote", "--run-id", "nobody", .. s_store])).Failed(1),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("lineage")]
    [InlineData("rollback")]
    [InlineData("promote", "--run-id", "x")]
    public async Task A_store_that_is_not_there_is_an_error_with_a_hint_and_is_not_made(params string[] command)
    {
        using var folder = new TemporaryFolder();

        var message = (await Lightning.RunAsync(folder.Path, [.. command, "--store", "nowhere.db", "--json"])).Failed(1);

        Assert.Contains("no store 'nowhere.db'", message, StringComparison.Ordinal);
        Assert.Contains("--store", message, StringComparison.Ordinal);
        Assert.Contains("lightning demo", message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task A_file_that_is_not_a_store_is_an_error_that_says_so_and_is_left_alone()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("notes.txt"), string.Concat(Enumerable.Repeat("years of work ", 1_000)));
        var before = Figures.FilesOf(folder.Path);

        Assert.Contains(
            "not a sound SQLite database",
            (await Lightning.RunAsync(folder.Path, "lineage", "--store", "notes.txt")).Failed(1),
            StringComparison.Ordinal
        );

        Assert.Equal(before, Figures.FilesOf(folder.Path));
    }

    private static async Task<List<JsonElement>> LineageAsync(TemporaryFolder folder)
    {
        var json = (await Lightning.RunAsync(folder.Path, ["lineage", .. s_store, "--json"])).Json();
        Assert.Equal("triage", json.GetProperty("agent_id").GetString());
        return [.. json.GetProperty("lineage").EnumerateArray()];
    }
}
