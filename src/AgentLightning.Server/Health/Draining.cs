using AgentLightning.Episodes;
using AgentLightning.Health;
using Microsoft.Extensions.Hosting;

namespace AgentLightning.Server.Health;

/// <summary>
/// Ends the server without losing anything: first <c>/health/ready</c> says so, for as long as balancers need to notice; then no connection
/// is taken and the requests that run are finished; then what was captured is written.
/// </summary>
internal sealed class Draining(EpisodeRecorder recorder, Ending ending, LightningServerOptions options, TimeProvider time)
    : IHostedLifecycleService
{
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        ending.Begin();
        if (options.DrainNotice > TimeSpan.Zero)
        {
            // A second signal, or the end of the whole time, cuts the wait short.
            await Task.Delay(options.DrainNotice, time, cancellationToken)
                .ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => recorder.FlushAsync(cancellationToken);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
