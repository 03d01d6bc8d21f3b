using AgentLightning.Common;
using AgentLightning.Monitoring;

namespace AgentLightning.Tests.Monitoring;

public sealed class MonitoringPeriodTests
{
    [Theory]
    [InlineData("2026-01-01", "2026-12-31", 365)]
    [InlineData("2024-01-01", "2024-12-31", 366)]
    [InlineData("2026-03-04", "2026-03-04", 1)]
    [InlineData("2026-03-04T23:30:00-02:00", "2026-03-05", 1)]
    [InlineData(null, "2026-03-04", 30)]
    [InlineData(null, "0001-01-02", 2)]
    public void Days_are_counted_with_both_ends(string? start, string? end, int days) =>
        Assert.Equal(days, MonitoringPeriod.Parse(start, end, TimeProvider.System).Days);

    [Theory]
    [InlineData("2026-01-01", "2027-01-02", "from 1 to 366 days, but from 2026-01-01 to 2027-01-02 there are 367")]
    [InlineData("2026-01-02", "2026-01-01", "start must not be after end")]
    [InlineData("yesterday", null, "start must be a time in ISO 8601, such as 2026-01-31 or")]
    [InlineData(null, "2026-02-30", "end must be a time in ISO 8601")]
    [InlineData("", null, "start must be a time")]
    public void A_period_that_cannot_be_is_refused_with_what_is_wrong(string? start, string? end, string message)
    {
        var error = Assert.Throws<LightningException>(() => MonitoringPeriod.Parse(start, end, TimeProvider.System));

        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(367)]
    public void The_last_days_are_one_to_a_year(int days) =>
        Assert.Contains(
            "days must be from 1 to 366",
            Assert.Throws<LightningException>(() => MonitoringPeriod.Last(days, TimeProvider.System)).Message,
            StringComparison.Ordinal
        );
}
