using AgentLightning.Common;
using AgentLightning.Rewards;

namespace AgentLightning.Tests.Rewards;

public sealed class RewardScaleTests
{
    [Theory]
    [InlineData("0..1", 0, -1)]
    [InlineData("0..1", 0.7, 0.4)]
    [InlineData("0..1", 1, 1)]
    [InlineData("1..5", 3, 0)]
    [InlineData("1..5", 5, 1)]
    [InlineData("-1..1", -0.25, -0.25)]
    [InlineData("3..3", 3, 0)]
    [InlineData("-1e308..1e308", 1e308, 1)]
    public void A_value_is_normalised_to_the_canonical_scale(string scale, double value, double canonical) =>
        Assert.Equal(canonical, RewardScale.Parse(scale).ToCanonical(value), 12);

    [Theory]
    [InlineData("0..1", 1.01, "raw_value must be a number from 0 to 1, but it is 1.01")]
    [InlineData("1..5", 0, "from 1 to 5")]
    [InlineData("1..5", double.NaN, "from 1 to 5")]
    public void A_value_outside_is_refused_with_the_range(string scale, double value, string message)
    {
        var error = Assert.Throws<LightningException>(() => RewardScale.Parse(scale).ToCanonical(value));

        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0-1")]
    [InlineData("1..")]
    [InlineData("5..1")]
    [InlineData("0..NaN")]
    [InlineData("0..1e999")]
    [InlineData("0..1..2")]
    public void A_scale_that_is_none_is_refused(string text) =>
        Assert.Equal(ErrorKind.Invalid, Assert.Throws<LightningException>(() => RewardScale.Parse(text)).Kind);

    [Fact]
    public void A_scale_is_written_as_it_is_read()
    {
        Assert.Equal("0..1", RewardScale.Unit.ToString());
        Assert.Equal(new RewardScale(-0.5, 2), RewardScale.Parse(new RewardScale(-0.5, 2).ToString()));
        Assert.Equal(0.75, RewardScale.Unit.FromCanonical(0.5));
    }
}
