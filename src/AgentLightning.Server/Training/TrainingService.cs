using AgentLightning.Training;
using Microsoft.Extensions.Hosting;

namespace AgentLightning.Server.Training;

/// <summary>Executes queued training runs while the server runs. When it ends, another goes on with them.</summary>
internal sealed class TrainingService(TrainingWorker worker) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.Run(() => worker.RunAsync(stoppingToken), stoppingToken);
}
