using System.Globalization;
using AgentLightning.Common;

namespace AgentLightning.Experiments;

/// <summary>How the shares of an experiment are chosen. Stored as these words.</summary>
public enum ExperimentDesign
{
    /// <summary>Shares that are given, and raised in steps.</summary>
    Split,

    /// <summary>Shares that follow the figures, so that the best of several is found soonest: <see cref="TrackAndStop"/>.</summary>
    TrackAndStop,
}

/// <summary>What a candidate must be better at. Stored as these words.</summary>
public enum ExperimentMetric
{
    /// <summary>The mean of the current rewards, −1…1.</summary>
    Reward,

    /// <summary>The share of episodes that succeeded, 0…1.</summary>
    Success,
}

/// <summary>When an experiment ends, and how. They never change while it runs.</summary>
public sealed record ExperimentRules
{
    public ExperimentDesign Design { get; init; } = ExperimentDesign.Split;

    public ExperimentMetric Metric { get; init; } = ExperimentMetric.Reward;

    /// <summary>
    /// Of a split: the percentages of sessions that the candidates get, together and evenly, one after another, each in (0, 95]; 20 by
    /// default. The next begins when every variant has <see cref="MinimumSamples"/> more and no candidate is seen to be worse.
    /// </summary>
    public IReadOnlyList<double> Steps { get; init; } = [20];

    /// <summary>Fewest values of the metric of each variant before anybody wins, 10…10,000,000; 100 by default.</summary>
    public int MinimumSamples { get; init; } = 100;

    /// <summary>
    /// How much better a candidate must be for certain, −2…2; 0 by default. Below 0 it may be so much worse: what is cheaper or faster may
    /// win then too.
    /// </summary>
    public double MinimumEffect { get; init; }

    /// <summary>
    /// The chance that a candidate wins that is not better, however often one looks, 0.0001…0.2; 0.05 by default.
    /// </summary>
    public double Alpha { get; init; } = 0.05;

    /// <summary>The chance that a guard trips though nothing is worse than it tolerates, 0.0001…0.2; 0.01 by default.</summary>
    public double GuardAlpha { get; init; } = 0.01;

    /// <summary>Rise of the share of failed episodes that is tolerated, 0…1; 0.02 by default.</summary>
    public double ErrorRise { get; init; } = 0.02;

    /// <summary>Fall of the mean reward that is tolerated, 0…2; 0.1 by default.</summary>
    public double RewardDrop { get; init; } = 0.1;

    /// <summary>Rise of the 95th percentile of the latency that is tolerated, as a share of it, 0…100; 0.5 by default.</summary>
    public double LatencyRise { get; init; } = 0.5;

    /// <summary>Rise of the cost of an episode that is tolerated, as a share of it, 0…100; 0.5 by default.</summary>
    public double CostRise { get; init; } = 0.5;

    /// <summary>After so many days it ends without a winner, 0.01…365; 14 by default.</summary>
    public double MostDays { get; init; } = 14;

    /// <summary>Whether a winner is promoted by itself; otherwise the experiment goes on and says who has won. True by default.</summary>
    public bool PromoteWinner { get; init; } = true;

    /// <summary>Of track and stop: how much worse than the best the winner may be, 0…1; 0 by default.</summary>
    public double Epsilon { get; init; }

    /// <summary>Of track and stop: the least share of a variant, 0…0.1; 0.01 by default.</summary>
    public double LeastShare { get; init; } = 0.01;

    /// <summary>All mistakes, together in one <see cref="ErrorKind.Invalid"/>.</summary>
    public void Validate()
    {
        var wrong = new List<string>();
        Check(
            "steps",
            Steps.Count is >= 1 and <= 20 && Steps.All(step => step is > 0 and <= 95),
            "1 to 20 percentages above 0 and up to 95"
        );
        Check("steps", Steps.Zip(Steps.Skip(1)).All(pair => pair.First < pair.Second), "percentages that rise");
        Check("minimum_samples", MinimumSamples is >= 10 and <= 10_000_000, "from 10 to 10000000", MinimumSamples);
        Check("minimum_effect", MinimumEffect is >= -2 and <= 2, "from -2 to 2", MinimumEffect);
        Check("alpha", Alpha is >= 0.0001 and <= 0.2, "from 0.0001 to 0.2", Alpha);
        Check("guard_alpha", GuardAlpha is >= 0.0001 and <= 0.2, "from 0.0001 to 0.2", GuardAlpha);
        Check("error_rise", ErrorRise is >= 0 and <= 1, "from 0 to 1", ErrorRise);
        Check("reward_drop", RewardDrop is >= 0 and <= 2, "from 0 to 2", RewardDrop);
        Check("latency_rise", LatencyRise is >= 0 and <= 100, "from 0 to 100", LatencyRise);
        Check("cost_rise", CostRise is >= 0 and <= 100, "from 0 to 100", CostRise);
        Check("most_days", MostDays is >= 0.01 and <= 365, "from 0.01 to 365", MostDays);
        Check("epsilon", Epsilon is >= 0 and <= 1, "from 0 to 1", Epsilon);
        Check("least_share", LeastShare is >= 0 and <= 0.1, "from 0 to 0.1", LeastShare);
        if (wrong.Count > 0)
        {
            throw LightningException.Invalid(string.Join(" ", wrong));
        }

        void Check(string name, bool good, string range, object? value = null)
        {
            if (!good)
            {
                wrong.Add(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{name} of an experiment must be {range}, but it is {value ?? string.Join(", ", Steps)}."
                    )
                );
            }
        }
    }
}
