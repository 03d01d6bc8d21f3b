using AgentLightning.Evaluation;

namespace AgentLightning.Tests.Evaluation;

/// <summary>What the gate says of its own mistakes, tried on thousands of evaluations whose truth is known.</summary>
public sealed class GateErrorTests
{
    private static readonly EvaluationGate s_gate = new(new EvaluationGateOptions { Margin = 0.05 });

    /// <summary>
    /// Ends of 95 % by another way: the likelihood is maximised numerically for each difference, instead of by the root of an equation.
    /// </summary>
    [Theory]
    [InlineData(0, 0, 100, -0.036993, 0.036993)]
    [InlineData(12, 12, 200, -0.050734, 0.050734)]
    [InlineData(12, 2, 50, 0.061112, 0.344709)]
    [InlineData(3, 20, 400, -0.06942, -0.021)]
    public void Ends_of_the_interval_of_a_paired_difference(int better, int worse, int n, double low, double high)
    {
        var difference = PairedShares.Difference("exact_match", better, worse, n, 0.05);

        Assert.Equal(low, difference.Low, 2e-6);
        Assert.Equal(high, difference.High, 2e-6);
    }

    [Theory]
    [InlineData(1, 1.0)]
    [InlineData(0.2, 0.9)]
    public void A_candidate_worse_by_the_margin_passes_no_more_often_than_is_stated(double agreement, double accuracy)
    {
        // Worst of all: where both agree on everything but what the candidate loses.
        var passed = Passes(500, 4_000, accuracy, 0.05, agreement, seed: 5, look: 1);

        // 2.5 % stated; three standard deviations of the count of 4,000 are 0.74 %.
        Assert.InRange(passed, 0, 0.0325);
    }

    [Fact]
    public void An_equal_candidate_passes_where_the_gate_says_that_it_can_see_the_margin()
    {
        var verdict = s_gate.Judge(Comparison(2_000, 0.8, 0, 0.5, new Random(1), 0.05), 1);

        Assert.True(verdict.Errors!.Detectable < 0.05, $"{verdict.Errors}");
        Assert.InRange(Passes(2_000, 1_000, 0.8, 0, 0.5, seed: 6, look: 1), 0.78, 1);
    }

    [Fact]
    public void Scores_between_0_and_1_keep_the_promise_too()
    {
        var passed = 0;
        for (var run = 0; run < 300; run++)
        {
            var random = new Random(run);
            var (first, second) = (new double[200], new double[200]);
            for (var i = 0; i < first.Length; i++)
            {
                first[i] = 0.5 + (0.4 * random.NextDouble());
                // Seldom and much: one answer in ten loses half.
                second[i] = random.NextDouble() < 0.1 ? Math.Max(0, first[i] - 0.5) : first[i];
            }

            passed += s_gate.Judge(PairedComparison.OfScores("token_f1", first, second, run, 2 * s_gate.AlphaOf(1)), 1).Passed ? 1 : 0;
        }

        Assert.InRange(passed, 0, 17);
    }

    [Fact]
    public void Whoever_looks_again_and_again_has_to_show_more_each_time_and_is_let_through_no_more_often_in_all()
    {
        Assert.Equal(0.025, s_gate.AlphaOf(1), 1e-12);
        Assert.Equal(0.05, Enumerable.Range(1, 100_000).Sum(k => s_gate.AlphaOf(k)), 1e-6);
        var fooled = 0;
        for (var run = 0; run < 600; run++)
        {
            var random = new Random(run);
            for (var look = 1; look <= 20; look++)
            {
                // Another candidate each time, on the same items, each worse by the margin.
                if (s_gate.Judge(Comparison(300, 0.9, 0.05, 0.5, random, 2 * s_gate.AlphaOf(look)), look).Passed)
                {
                    fooled++;
                    break;
                }
            }
        }

        Assert.InRange(fooled / 600.0, 0, 0.078);
    }

    [Fact]
    public void A_verdict_says_in_words_what_it_is()
    {
        var few = s_gate.Judge(Comparison(100, 0.8, 0, 0.5, new Random(3), 0.05), 1);
        var worse = s_gate.Judge(Comparison(1_000, 0.9, 0.3, 0.5, new Random(3), 0.05), 2);
        var same = s_gate.Judge(PairedComparison.OfScores("exact_match", [.. Ones(400)], [.. Ones(400)], 1, 0.05), 1);

        Assert.Equal((GateOutcome.TooSmall, false), (few.Outcome, few.Passed));
        Assert.Contains("too small to tell: 100 held-out items show a difference of", few.Reason, StringComparison.Ordinal);
        Assert.InRange(few.Errors!.ItemsNeeded!.Value, 200, 5_000);
        Assert.Equal((GateOutcome.Worse, 2), (worse.Outcome, worse.Errors!.Look));
        Assert.Contains("it is worse", worse.Reason, StringComparison.Ordinal);
        Assert.Equal((GateOutcome.Passed, 0.025), (same.Outcome, same.Errors!.FalsePass));
        Assert.True(same.Errors.FalsePassAtTwice < 1e-6);

        static IEnumerable<double> Ones(int count) => Enumerable.Repeat(1.0, count);
    }

    private static double Passes(int items, int runs, double accuracy, double loss, double agreement, int seed, long look)
    {
        var passed = 0;
        Parallel.For(0, runs, run =>
        {
            var verdict = s_gate.Judge(Quick(items, accuracy, loss, agreement, new Random((seed * 1_000_000) + run)), look);
            if (verdict.Passed)
            {
                Interlocked.Increment(ref passed);
            }
        });
        return (double)passed / runs;
    }

    /// <summary>Only the interval of the difference, which is all that the gate looks at: no resamples.</summary>
    private static PairedComparison Quick(int items, double accuracy, double loss, double agreement, Random random)
    {
        var (first, second) = Answers(items, accuracy, loss, agreement, random);
        var better = first.Zip(second).Count(pair => pair.Second > pair.First);
        var worse = first.Zip(second).Count(pair => pair.Second < pair.First);
        var none = new Measurement("", 0, 0, 0, items);
        return new PairedComparison(none, none, PairedShares.Difference("", better, worse, items, 2 * s_gate.AlphaOf(1)), 1, 0, 0);
    }

    private static PairedComparison Comparison(int items, double accuracy, double loss, double agreement, Random random, double alpha)
    {
        var (first, second) = Answers(items, accuracy, loss, agreement, random);
        var better = first.Zip(second).Count(pair => pair.Second > pair.First);
        var worse = first.Zip(second).Count(pair => pair.Second < pair.First);
        var none = new Measurement("", 0, 0, 0, items);
        return new PairedComparison(none, none, PairedShares.Difference("", better, worse, items, alpha), 1, 0, 0);
    }

    /// <param name="agreement">The share of items on which the candidate does what the baseline does, but for the loss.</param>
    private static (double[] First, double[] Second) Answers(int items, double accuracy, double loss, double agreement, Random random)
    {
        var (first, second) = (new double[items], new double[items]);
        for (var i = 0; i < items; i++)
        {
            first[i] = random.NextDouble() < accuracy ? 1 : 0;
            if (random.NextDouble() < agreement)
            {
                // What is lost is lost where the baseline is right.
                second[i] = first[i] == 1 && random.NextDouble() < loss / accuracy ? 0 : first[i];
            }
            else
            {
                second[i] = random.NextDouble() < accuracy - loss ? 1 : 0;
            }
        }

        return (first, second);
    }
}
