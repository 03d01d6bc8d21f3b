using AgentLightning.Experiments;

namespace AgentLightning.Tests.Experiments;

public sealed class TrackAndStopTests
{
    [Fact]
    public void Of_two_arms_each_gets_as_much_as_it_spreads()
    {
        var shares = TrackAndStop.Shares([new Arm(0.5, 0.09, 100), new Arm(0.3, 0.01, 100)], 0, 0);

        Assert.Equal(0.75, shares[0], 1e-6);
        Assert.Equal(0.25, shares[1], 1e-6);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void No_other_shares_make_the_hardest_of_four_comparisons_surer(int seed)
    {
        var random = new Random(seed);
        Arm[] arms = [.. Enumerable.Range(0, 4).Select(i => new Arm(random.NextDouble(), 0.05 + random.NextDouble(), 100))];
        var best = Evidence(arms, TrackAndStop.Shares(arms, 0, 0));

        for (var i = 0; i < 20_000; i++)
        {
            double[] shares = [.. arms.Select(_ => -Math.Log(1 - random.NextDouble()))];
            var sum = shares.Sum();
            Assert.True(Evidence(arms, [.. shares.Select(share => share / sum)]) <= best + 1e-9);
        }
    }

    [Fact]
    public void Every_arm_keeps_the_least_share()
    {
        var shares = TrackAndStop.Shares([new Arm(0.9, 0.01, 100), new Arm(0.1, 0.01, 100), new Arm(0.85, 0.2, 100)], 0, 0.05);

        Assert.Equal(1, shares.Sum(), 1e-9);
        Assert.All(shares, share => Assert.True(share >= 0.05));
    }

    [Fact]
    public void A_wrong_arm_wins_no_more_often_than_is_stated_and_the_right_one_sooner_than_with_even_shares()
    {
        double[] means = [0.5, 0.5, 0.5, 0.6];
        var (wrong, adaptive, even) = (0, 0L, 0L);
        for (var run = 0; run < 300; run++)
        {
            var (winner, samples) = Simulate(means, run, follow: true);
            wrong += winner == 3 ? 0 : 1;
            adaptive += samples;
            even += Simulate(means, run, follow: false).Samples;
        }

        Assert.InRange(wrong, 0, 24);
        Assert.True(adaptive < even, $"adaptive {adaptive / 300} samples, even {even / 300}");
    }

    private static (int Winner, long Samples) Simulate(double[] means, int seed, bool follow)
    {
        var random = new Random(seed);
        var (sums, counts) = (new double[means.Length], new long[means.Length]);
        double[] shares = [.. means.Select(_ => 1.0 / means.Length)];
        while (true)
        {
            // 200 sessions come, as the shares say.
            for (var i = 0; i < means.Length; i++)
            {
                var n = (int)Math.Round(200 * shares[i]);
                counts[i] += n;
                for (var k = 0; k < n; k++)
                {
                    sums[i] += random.NextDouble() < means[i] ? 1 : 0;
                }
            }

            Arm[] arms = [.. means.Select((_, i) => ArmOf(sums[i], counts[i]))];
            if (counts.Min() >= 50 && TrackAndStop.Winner(arms, 0, 0.05) is { } winner)
            {
                return (winner, counts.Sum());
            }

            shares = follow && counts.Min() >= 50 ? TrackAndStop.Shares(arms, 0, 0.01) : shares;
        }
    }

    private static Arm ArmOf(double sum, long count) => new(sum / count, VariantFigures.OfShare(sum / count, count), count);

    private static double Evidence(Arm[] arms, double[] shares)
    {
        var leader = Array.IndexOf(arms, arms.MaxBy(arm => arm.Mean));
        return Enumerable
            .Range(0, arms.Length)
            .Where(i => i != leader)
            .Min(i =>
                Math.Pow(arms[leader].Mean - arms[i].Mean, 2)
                / (2 * ((arms[leader].Variance / shares[leader]) + (arms[i].Variance / shares[i])))
            );
    }
}
