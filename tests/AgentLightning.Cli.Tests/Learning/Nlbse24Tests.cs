using System.Text.Json;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

/// <summary>The demo on real issues of five projects: three labels, balanced, so that chance gives a macro-F1 of 0.33.</summary>
public sealed class Nlbse24Tests
{
    /// <summary>One split; the benchmark <c>learn-classifier</c> takes the mean of three.</summary>
    private const string Seed = "1";

    [Fact]
    public Task Learning_from_labels_reaches_a_macro_f1_of_0_76_on_held_out_issues() => ReachesAsync("labels", 0.76);

    [Fact]
    public Task Learning_from_rewards_alone_reaches_a_macro_f1_of_0_70_on_held_out_issues() => ReachesAsync("rewards", 0.70);

    private static async Task ReachesAsync(string learnFrom, double least)
    {
        var data = SharedData.Require("nlbse24/issues_train.csv");

        Assert.InRange(await MeasureAsync(data, learnFrom), least, 1);
    }

    private static async Task<double> MeasureAsync(string data, string learnFrom)
    {
        using var folder = new TemporaryFolder();

        var json = (
            await Lightning.RunAsync(
                folder.Path,
                "demo",
                "--data",
                data,
                "--text-column",
                "title,body",
                "--label-column",
                "label",
                "--slice-column",
                "repo",
                "--learn-from",
                learnFrom,
                "--seed",
                Seed,
                "--json"
            )
        ).Json();

        var (baseline, candidate) = (json.GetProperty("baseline"), json.GetProperty("candidate"));
        Assert.Equal(baseline.GetProperty("n").GetInt32(), candidate.GetProperty("n").GetInt32());
        Assert.InRange(candidate.GetProperty("n").GetInt32(), 300, 450);
        Assert.InRange(Value(baseline), 0.2, 0.6);
        Assert.True(json.GetProperty("gate").GetProperty("passed").GetBoolean());
        Assert.True(json.GetProperty("promoted").GetBoolean());
        return Value(candidate);

        static double Value(JsonElement measured) => measured.GetProperty("value").GetDouble();
    }
}
