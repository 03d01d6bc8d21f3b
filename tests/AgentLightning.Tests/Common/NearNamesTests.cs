using AgentLightning.Common;

namespace AgentLightning.Tests.Common;

public sealed class NearNamesTests
{
    private static readonly string[] s_known = ["retention.days", "retention.payloads_days", "limits.rate_limit", "store", "urls"];

    [Theory]
    [InlineData("retention.day", "retention.days")]
    [InlineData("Store", "store")]
    [InlineData("sotre", "store")]
    [InlineData("url", "urls")]
    [InlineData("rate_limit", "limits.rate_limit")]
    [InlineData("retention.payload_day", "retention.payloads_days")]
    public void A_name_with_a_slip_finds_the_one_that_was_meant(string name, string meant) =>
        Assert.Equal(meant, NearNames.Of(name, s_known)[0]);

    [Theory]
    [InlineData("")]
    [InlineData("colour")]
    [InlineData("x")]
    public void A_name_that_is_far_from_all_finds_none(string name) => Assert.Empty(NearNames.Of(name, s_known));

    [Fact]
    public void A_very_long_name_is_not_looked_for() => Assert.Empty(NearNames.Of(new string('a', 100_000), s_known));
}
