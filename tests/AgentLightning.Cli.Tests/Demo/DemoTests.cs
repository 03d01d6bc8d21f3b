using System.Text.Json;
using AgentLightning.Cli.Commands;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Datasets;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

public sealed class DemoTests(FinishedDemo demo)
{
    [Fact]
    public void The_json_of_a_demo_has_exactly_its_keys()
    {
        var json = demo.Outcome.Json();

        Assert.Equal(["baseline", "candidate", "gate", "promoted", "rollback", "episodes", "rewards", "seconds", "seed"], Keys(json));
        Assert.Equal(["metric", "value", "low", "high", "n"], Keys(json.GetProperty("baseline")));
        Assert.Equal(["metric", "value", "low", "high", "n"], Keys(json.GetProperty("candidate")));
        Assert.Equal(["passed", "p_value"], Keys(json.GetProperty("gate")));
        Assert.Equal(["triggered", "reason"], Keys(json.GetProperty("rollback")));

        static IEnumerable<string> Keys(JsonElement element) => element.EnumerateObject().Select(property => property.Name);
    }

    [Fact]
    public void A_demo_shows_an_agent_that_got_better_was_promoted_and_was_rolled_back_from_a_bad_release()
    {
        var json = demo.Outcome.Json();

        foreach (var name in new[] { "baseline", "candidate" })
        {
            var measured = json.GetProperty(name);
            Assert.Equal("macro_f1", measured.GetProperty("metric").GetString());
            Assert.InRange(
                measured.GetProperty("value").GetDouble(),
                measured.GetProperty("low").GetDouble(),
                measured.GetProperty("high").GetDouble()
            );
            Assert.True(measured.GetProperty("n").GetInt32() >= 60, "fewer than 60 items were held out");
        }

        Assert.True(
            json.GetProperty("candidate").GetProperty("value").GetDouble() > json.GetProperty("baseline").GetProperty("value").GetDouble()
        );
        Assert.True(json.GetProperty("gate").GetProperty("passed").GetBoolean());
        Assert.InRange(json.GetProperty("gate").GetProperty("p_value").GetDouble(), 0, 0.05);
        Assert.True(json.GetProperty("promoted").GetBoolean());
        Assert.True(json.GetProperty("rollback").GetProperty("triggered").GetBoolean());
        Assert.Contains("reward", json.GetProperty("rollback").GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.True(json.GetProperty("episodes").GetInt64() > 600);
        Assert.True(json.GetProperty("rewards").GetInt64() > 600);
        Assert.True(json.GetProperty("seconds").GetDouble() > 0);
        Assert.Equal(FinishedDemo.Seed, json.GetProperty("seed").GetInt64());
    }

    [Fact]
    public void A_demo_with_json_says_nothing_else() => Assert.Equal("", demo.Outcome.Error);

    [Fact]
    public async Task The_same_seed_gives_the_same_figures_in_another_folder_and_again_in_the_same()
    {
        using var folder = new TemporaryFolder();
        var first = await Lightning.RunAsync(folder.Path, "demo", "--seed", $"{FinishedDemo.Seed}", "--json", "--out", "elsewhere");
        var second = await Lightning.RunAsync(folder.Path, "demo", "--seed", $"{FinishedDemo.Seed}", "--json", "--out", "elsewhere");

        Assert.Equal(Figures.Of(demo.Outcome), Figures.Of(first));
        Assert.Equal(Figures.Of(demo.Outcome), Figures.Of(second));
    }

    [Fact]
    public async Task Another_seed_gives_other_figures()
    {
        using var folder = new TemporaryFolder();
        var other = await Lightning.RunAsync(folder.Path, "demo", "--seed", $"{FinishedDemo.Seed + 1}", "--json");

        Assert.NotEqual(
            demo.Outcome.Json().GetProperty("baseline").GetProperty("value").GetDouble(),
            other.Json().GetProperty("baseline").GetProperty("value").GetDouble()
        );
        Assert.True(File.Exists(folder.File("lightning-demo/demo.json")), "the default folder is lightning-demo");
    }

    [Fact]
    public async Task People_see_before_and_after_the_gate_and_the_rollback_without_signs_for_terminals_in_a_pipe()
    {
        using var folder = new TemporaryFolder();
        var shown = await Lightning.RunAsync(folder.Path, "demo", "--seed", $"{FinishedDemo.Seed}");

        Assert.Equal(0, shown.ExitCode);
        var words = string.Join(' ', shown.Out.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        foreach (
            var word in new[] { "before", "after", "gate", "passed", "rollback", "rolled back", "macro-F1", "episodes", "lightning serve" }
        )
        {
            Assert.Contains(word, words, StringComparison.Ordinal);
        }

        var value = demo.Outcome.Json().GetProperty("candidate").GetProperty("value").GetDouble();
        Assert.Contains(FormattableString.Invariant($"{value:0.000}"), shown.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", shown.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Learning_from_rewards_is_never_told_a_right_answer()
    {
        using var folder = new TemporaryFolder();
        var options = new LightningOptions { Store = Path.Combine(demo.CopyTo(folder), "lightning.db") };
        await using var workspace = await Workspace.OpenAsync(options, TestContext.Current.CancellationToken);
        var dataset = Assert.Single(await workspace.Get<IDatasetStore>().ListAsync(null, 10, TestContext.Current.CancellationToken));

        var examples = await workspace.Get<DatasetReader>().ReadAsync(dataset, TestContext.Current.CancellationToken);

        Assert.All(examples.Where(example => example.Side == DatasetSide.Train), example => Assert.Null(example.Expected));
        Assert.All(examples.Where(example => example.Side == DatasetSide.Validation), example => Assert.NotNull(example.Expected));
        Assert.InRange(dataset.ValidationCount, 60, 250);
        Assert.InRange(dataset.TrainingCount, 240, 600);
    }
}
