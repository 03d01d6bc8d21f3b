using AgentLightning.Models.Loops.Reinforcement;

namespace AgentLightning.Models.Tests;

/// <summary>What a journal must look like for an alarm, and what it must not.</summary>
public sealed class AlarmTests
{
    private static readonly ReinforcementOptions s_options = new() { Steps = 10, MaxTokens = 10 };
    private static readonly Dictionary<string, double> s_good = new()
    {
        ["reward"] = 0.3,
        ["entropy"] = 2,
        ["frac_reward_zero_std"] = 0.1,
        ["completions/mean_length"] = 20,
        ["completions/clipped_ratio"] = 0.1,
        ["approx_kl"] = 0.01,
        ["kl"] = 0.5,
        ["held_out/accuracy"] = 0.4,
    };

    [Theory]
    [InlineData("entropy", 0.01, "entropy bonus")]
    [InlineData("frac_reward_zero_std", 0.95, "easier or harder tasks")]
    [InlineData("completions/mean_length", 2, "short answers are rewarded by mistake")]
    [InlineData("completions/clipped_ratio", 0.99, "Allow more tokens")]
    [InlineData("kl", 20, "Raise beta")]
    [InlineData("approx_kl", 3, "fewer updates per step")]
    public void A_collapse_raises_one_alarm_that_says_what_to_do(string metric, double value, string advice)
    {
        var bad = new Dictionary<string, double>(s_good) { [metric] = value };

        var alarm = Assert.Single(Alarms.Of([Line(1, s_good), .. Enumerable.Range(2, 5).Select(step => Line(step, bad))], s_options));

        Assert.Contains(advice, alarm, StringComparison.Ordinal);
    }

    [Fact]
    public void A_reward_that_rises_while_held_out_tasks_get_worse_raises_an_alarm()
    {
        var gamed = new Dictionary<string, double>(s_good) { ["reward"] = 0.8, ["held_out/accuracy"] = 0.2 };

        Assert.Contains(
            "may be gamed",
            Assert.Single(Alarms.Of([Line(1, s_good), Line(2, s_good), Line(3, gamed)], s_options)),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_run_that_goes_well_or_has_learned_everything_raises_none()
    {
        var solved = new Dictionary<string, double>(s_good)
        {
            ["reward"] = 1,
            ["entropy"] = 0.001,
            ["frac_reward_zero_std"] = 1,
            ["held_out/accuracy"] = 1,
        };

        Assert.Empty(Alarms.Of([.. Enumerable.Range(1, 8).Select(step => Line(step, s_good))], s_options));
        Assert.Empty(Alarms.Of([Line(1, s_good), .. Enumerable.Range(2, 8).Select(step => Line(step, solved))], s_options));
        Assert.Empty(Alarms.Of([Line(1, solved)], s_options));
    }

    private static ReinforcementEvent Line(int step, IReadOnlyDictionary<string, double> metrics) => new(step, 10, step, metrics);
}
