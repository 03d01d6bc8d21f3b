using AgentLightning.Jobs;
using Microsoft.Extensions.Hosting;

namespace AgentLightning.Server.Jobs;

/// <summary>Runs the background jobs while the server runs.</summary>
internal sealed class JobService(JobRunner runner) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => runner.RunAsync(stoppingToken);
}
