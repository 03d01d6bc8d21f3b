using AgentLightning.Traces;
using Microsoft.Extensions.Hosting;

namespace AgentLightning.Server.Traces;

/// <summary>Reads episodes out of traces as long as the server runs.</summary>
internal sealed class TraceReading(TraceReader reader) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => reader.RunAsync(stoppingToken);
}
