using AgentLightning.Client;

namespace AgentLightning.Cli.Tests.Support;

/// <summary>The client library as an application has it, which sends at once and comes back soon.</summary>
public sealed class ClientUnderTest : IAsyncDisposable
{
    public ClientUnderTest(Uri server, string folder)
    {
        Lightning = new LightningClient(new LightningClientOptions
        {
            Endpoint = server, AgentId = "app", DataFolder = folder, BatchDelay = TimeSpan.Zero, FirstRetry = TimeSpan.FromMilliseconds(20), LongestRetry = TimeSpan.FromMilliseconds(100),
        });
        Tracker = new AgentTracker(Lightning, "app");
    }

    public LightningClient Lightning { get; }

    public AgentTracker Tracker { get; }

    /// <summary>Completes when the server has so many records.</summary>
    public async Task SentAsync(long records)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (Lightning.Statistics.Sent < records)
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    public ValueTask DisposeAsync() => Lightning.DisposeAsync();
}
