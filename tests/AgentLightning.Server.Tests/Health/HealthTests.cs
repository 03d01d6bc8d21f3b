using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

public sealed class HealthTests
{
    [Fact]
    public async Task Health_says_healthy_and_the_time_in_utc_and_nothing_else()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        var health = await server.GetAsync("/health");

        Assert.Equal(["status", "timestamp"], health.EnumerateObject().Select(property => property.Name));
        Assert.Equal("healthy", health.GetProperty("status").GetString());
        Assert.EndsWith("Z", health.GetProperty("timestamp").GetString()!, StringComparison.Ordinal);
        Assert.InRange(
            health.GetProperty("timestamp").GetDateTimeOffset(),
            DateTimeOffset.UtcNow.AddHours(-1),
            DateTimeOffset.UtcNow.AddHours(1)
        );
    }
}
