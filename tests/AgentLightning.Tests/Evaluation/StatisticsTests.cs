using AgentLightning.Evaluation;

namespace AgentLightning.Tests.Evaluation;

public sealed class StatisticsTests
{
    [Fact]
    public void A_report_agrees_with_figures_worked_out_by_hand()
    {
        // a: 2 of 3 found, 2 given and both right; b: 1 of 1 found among 2 given; c: expected once, never given.
        var report = ClassificationReport.Of(["a", "a", "a", "b", "c"], ["a", "a", "b", "b", "d"]);

        Assert.Equal(0.6, report.Accuracy, 1e-12);
        Assert.Equal((0.8 + (2.0 / 3) + 0 + 0) / 4, report.MacroF1, 1e-12);
        Assert.Equal(new LabelScore("a", 1, 2.0 / 3, 0.8, 3), report.Labels[0]);
        Assert.Equal(new LabelScore("d", 0, 0, 0, 0), report.Labels[3]);
    }

    /// <summary>Computed with exact fractions: 2·Σ C(n, k)/2ⁿ for k up to the smaller count.</summary>
    [Theory]
    [InlineData(0, 0, 1)]
    [InlineData(5, 5, 1)]
    [InlineData(0, 5, 0.0625)]
    [InlineData(1, 9, 0.021484375)]
    [InlineData(9, 1, 0.021484375)]
    [InlineData(3, 15, 0.007537841796875)]
    public void McNemar_agrees_with_exact_fractions(int onlyFirst, int onlySecond, double p) =>
        Assert.Equal(p, PairedComparison.McNemar(onlyFirst, onlySecond), 1e-9);

    [Fact]
    public void McNemar_does_not_overflow_on_large_counts() => Assert.InRange(PairedComparison.McNemar(10_000, 10_400), 0.004, 0.006);

    [Fact]
    public void Intervals_contain_the_value_and_repeat_for_a_seed()
    {
        var (expected, weak, strong) = Answers(400, seed: 4);

        var comparison = PairedComparison.Of(expected, weak, strong, seed: 1);

        Assert.Equal(comparison, PairedComparison.Of(expected, weak, strong, seed: 1));
        foreach (var measurement in new[] { comparison.Baseline, comparison.Candidate, comparison.Difference })
        {
            Assert.InRange(measurement.Value, measurement.Low, measurement.High);
            Assert.Equal(400, measurement.N);
        }

        Assert.True(comparison.PValue < 0.001);
    }

    [Fact]
    public void About_nineteen_in_twenty_intervals_contain_the_truth()
    {
        // The two policies differ by 0.2 in accuracy, and with four even classes about as much in macro-F1.
        var contained = Enumerable
            .Range(0, 100)
            .Count(seed =>
            {
                var (expected, weak, strong) = Answers(200, seed);
                var difference = PairedComparison.Of(expected, weak, strong, seed).Difference;
                return difference.Low <= 0.2 && 0.2 <= difference.High;
            });

        Assert.InRange(contained, 88, 100);
    }

    [Fact]
    public void The_gate_passes_what_is_better_and_refuses_what_may_be_worse()
    {
        var (expected, weak, strong) = Answers(300, seed: 8);
        var gate = new EvaluationGate(new EvaluationGateOptions());

        Assert.True(gate.Judge(PairedComparison.Of(expected, weak, strong, 1)).Passed);
        Assert.True(gate.Judge(PairedComparison.Of(expected, weak, weak, 1)).Passed);
        var worse = gate.Judge(PairedComparison.Of(expected, strong, weak, 1));
        Assert.False(worse.Passed);
        Assert.Contains("not above -0.020", worse.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void The_gate_refuses_to_judge_on_few_items()
    {
        var (expected, weak, strong) = Answers(29, seed: 8);

        var verdict = new EvaluationGate(new EvaluationGateOptions()).Judge(PairedComparison.Of(expected, weak, strong, 1));

        Assert.Equal(
            (false, "only 29 held-out items, fewer than 30", GateOutcome.TooSmall),
            (verdict.Passed, verdict.Reason, verdict.Outcome)
        );
    }

    private static (string[] Expected, string[] Weak, string[] Strong) Answers(int count, int seed)
    {
        var random = new Random(seed);
        string[] labels = ["a", "b", "c", "d"];
        string[] expected = [.. Enumerable.Range(0, count).Select(_ => labels[random.Next(4)])];
        return (expected, Answer(0.6), Answer(0.8));

        string[] Answer(double accuracy) =>
            [
                .. expected.Select(label =>
                    random.NextDouble() < accuracy ? label : labels[(Array.IndexOf(labels, label) + 1 + random.Next(3)) % 4]
                ),
            ];
    }
}
