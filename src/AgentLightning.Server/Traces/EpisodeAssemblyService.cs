using AgentLightning.Traces;
using Microsoft.Extensions.Hosting;

namespace AgentLightning.Server.Traces;

/// <summary>Reads episodes out of traces as long as the server runs.</summary>
internal sealed class EpisodeAssemblyService(EpisodeAssembler assembler) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => assembler.RunAsync(stoppingToken);
}
