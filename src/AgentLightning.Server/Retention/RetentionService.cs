using AgentLightning.Retention;
using Microsoft.Extensions.Hosting;

namespace AgentLightning.Server.Retention;

/// <summary>Sweeps while the server runs.</summary>
internal sealed class RetentionService(RetentionSweeper sweeper) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => sweeper.RunAsync(stoppingToken);
}
