using AgentLightning.Client;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests.Support;

/// <summary>The client library as an application has it, which sends at once and comes back soon.</summary>
public sealed class ClientUnderTest : IAsyncDisposable
{
    public ClientUnderTest(Uri server, string folder)
    {
        Lightning = new LightningClient(
            new LightningClientOptions
            {
                Endpoint = server,
                AgentId = "app",
                DataFolder = folder,
                BatchDelay = TimeSpan.Zero,
                FirstRetry = TimeSpan.FromMilliseconds(20),
                LongestRetry = TimeSpan.FromMilliseconds(100),
            }
        );
        Tracker = new AgentTracker(Lightning, "app");
    }

    public LightningClient Lightning { get; }

    public AgentTracker Tracker { get; }

    /// <summary>Completes when the server has so many records.</summary>
    public Task SentAsync(long records) =>
        Instrument.UntilAsync<long>("AgentLightning.Client", "lightning.client.sent", () =>
            Task.FromResult(Lightning.Statistics.Sent >= records)
        );

    public ValueTask DisposeAsync() => Lightning.DisposeAsync();
}
