using AgentLightning.Common;

namespace AgentLightning.Tests.Experiments;

public sealed class DistributionsTests
{
    [Theory]
    [InlineData(0, 0.5)]
    [InlineData(1.959963984540054, 0.025)]
    [InlineData(-1.959963984540054, 0.975)]
    [InlineData(5, 2.866515718791939e-7)]
    public void Upper_tail_of_the_normal_distribution(double z, double chance)
    {
        Assert.Equal(chance, Distributions.NormalUpper(z), 1e-9);
        Assert.Equal(z, Distributions.NormalQuantileUpper(chance), 1e-6);
    }

    [Theory]
    [InlineData(3.841458820694124, 1, 0.05)]
    [InlineData(5.991464547107979, 2, 0.05)]
    [InlineData(18.307038053275146, 10, 0.05)]
    [InlineData(0.5, 3, 0.918891411654676)]
    [InlineData(40, 5, 1.4938e-7)]
    public void Upper_tail_of_chi_square(double value, int degrees, double chance) =>
        Assert.Equal(chance, Distributions.ChiSquareUpper(value, degrees), 1e-9);
}
