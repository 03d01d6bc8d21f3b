using AgentLightning.Deployments;
using AgentLightning.Experiments;
using AgentLightning.Rewards;
using AgentLightning.Storage;

namespace AgentLightning.Tests.Experiments;

/// <summary>Thousands of experiments whose truth is known: what the rules promise of their mistakes must hold.</summary>
public sealed class ExperimentSimulationTests
{
    private const int Experiments = 1_000;

    [Fact]
    public void Of_a_thousand_candidates_that_are_no_better_few_are_promoted_and_few_rolled_back()
    {
        var outcomes = RunAll(new Truth(0.6, 0.02, 100), new Truth(0.6, 0.02, 100));

        // One in twenty may win and one in a hundred trip a guard; both with three standard deviations of the count itself.
        Assert.InRange(outcomes.Count(ExperimentAction.Promote), 0, 50);
        Assert.InRange(outcomes.Count(ExperimentAction.RollBack), 0, 45);
    }

    [Theory]
    [InlineData(0.35, 0.02, 100.0)]
    [InlineData(0.6, 0.15, 100.0)]
    [InlineData(0.6, 0.02, 260.0)]
    public void Of_a_thousand_candidates_that_are_worse_hardly_any_stays_and_hardly_any_is_promoted(double good, double failed, double ms)
    {
        var outcomes = RunAll(new Truth(0.6, 0.02, 100), new Truth(good, failed, ms));

        Assert.InRange(outcomes.Count(ExperimentAction.RollBack), 950, Experiments);
        Assert.InRange(outcomes.Count(ExperimentAction.Promote), 0, 50);
    }

    [Fact]
    public void Of_a_thousand_better_candidates_most_are_promoted()
    {
        var outcomes = RunAll(new Truth(0.5, 0.02, 100), new Truth(0.65, 0.02, 100));

        Assert.InRange(outcomes.Count(ExperimentAction.Promote), 950, Experiments);
    }

    private static Outcomes RunAll(Truth control, Truth candidate)
    {
        var counts = new int[Enum.GetValues<ExperimentAction>().Length];
        Parallel.For(0, Experiments, i => Interlocked.Increment(ref counts[(int)Run(control, candidate, i)]));
        return new Outcomes(counts);
    }

    /// <summary>Up to 60 looks, 100 sessions between them, 20 of which the candidate answers.</summary>
    private static ExperimentAction Run(Truth control, Truth candidate, int seed)
    {
        var random = new Random(seed);
        var experiment = new Experiment(
            "x",
            "agent",
            "production",
            ExperimentStatus.Running,
            1,
            new ExperimentRules(),
            [new ExperimentVariant("control", "d1", 0.8), new ExperimentVariant("candidate", "d2", 0.2)],
            DateTimeOffset.UnixEpoch,
            "me"
        );
        var (first, second) = (new Tally(), new Tally());
        for (var look = 0; look < 60; look++)
        {
            first.Add(control, 80, random);
            second.Add(candidate, 20, random);
            var decision = ExperimentAnalysis
                .Of(
                    experiment,
                    [first.Figures(experiment.Variants[0]), second.Figures(experiment.Variants[1])],
                    [new ExposureCount(1, "control", 0.8, first.Count), new ExposureCount(1, "candidate", 0.2, second.Count)],
                    DateTimeOffset.UnixEpoch
                )
                .Decision;
            if (decision.Action != ExperimentAction.Wait)
            {
                return decision.Action;
            }
        }

        return ExperimentAction.Wait;
    }

    /// <param name="Good">The chance of the reward 1; it is −1 otherwise.</param>
    private sealed record Truth(double Good, double Failed, double Ms);

    private sealed record Outcomes(int[] Counts)
    {
        public int Count(ExperimentAction action) => Counts[(int)action];
    }

    private sealed class Tally
    {
        private readonly long[] _latencies = new long[LatencyBuckets.Count];
        private long _good;
        private long _failed;

        public long Count { get; private set; }

        public void Add(Truth truth, int sessions, Random random)
        {
            for (var i = 0; i < sessions; i++)
            {
                Count++;
                _good += random.NextDouble() < truth.Good ? 1 : 0;
                _failed += random.NextDouble() < truth.Failed ? 1 : 0;
                _latencies[LatencyBuckets.Of(truth.Ms * (0.5 + random.NextDouble()))]++;
            }
        }

        public VariantFigures Figures(ExperimentVariant variant)
        {
            var mean = (2.0 * _good / Count) - 1;
            var rewards = new RewardSummary(Count, mean, Count < 2 ? 0 : (1 - (mean * mean)) * Count / (Count - 1));
            return VariantFigures.Of(
                variant,
                ExperimentMetric.Reward,
                new ReleaseFigures(variant.DeploymentId, Count, _failed, 1, 100 * Count, 10 * Count, rewards, 100),
                new LatencyCounts([.. _latencies]),
                (1, 1),
                Count
            );
        }
    }
}
