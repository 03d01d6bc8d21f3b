using AgentLightning.Common;
using AgentLightning.Storage;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Jobs;

/// <summary>Runs the background jobs of a server, each when its time has come and no other server does.</summary>
public sealed partial class JobRunner(
    IEnumerable<IBackgroundJob> jobs,
    IJobStore records,
    Leases leases,
    TimeProvider time,
    ILogger<JobRunner> logger
)
{
    /// <summary>How often it looks at most whether a job's time has come: another server may have ended in the middle of it.</summary>
    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromMinutes(1);

    /// <summary>Runs what is due at once and then whenever a job's time has come, until cancelled.</summary>
    public Task RunAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(jobs.Where(job => job.Interval is not null).Select(job => RepeatAsync(job, cancellationToken)));

    /// <summary>Runs a job if its time has come and nobody else runs it. Gives whether it ran, also when it failed.</summary>
    public async Task<bool> RunDueAsync(IBackgroundJob job, CancellationToken cancellationToken)
    {
        if (job.Interval is not { } interval)
        {
            return false;
        }

        if (!await job.IsNeededAsync(cancellationToken).ConfigureAwait(false))
        {
            return false;
        }

        if (
            await records.FindAsync(job.Name, cancellationToken).ConfigureAwait(false) is { CompletedAt: not null } last
            && last.StartedAt + interval > time.GetUtcNow()
        )
        {
            return false;
        }

        var held = await leases.TryHoldAsync($"job {job.Name}", cancellationToken).ConfigureAwait(false);
        if (held is null)
        {
            return false;
        }

        await using (held.ConfigureAwait(false))
        {
            var (name, token) = (held.Lease.Name, held.Lease.Token);
            if (!await records.TryStartAsync(job.Name, name, token, interval, time.GetUtcNow(), cancellationToken).ConfigureAwait(false))
            {
                return false;
            }

            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, held.Lost);
            string? error = null;
            try
            {
                await job.RunAsync(either.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                error = held.Lost.IsCancellationRequested ? "its lease was lost" : e.Message;
                LogFailed(logger, job.Name, error);
            }

            await records.CompleteAsync(job.Name, name, token, error, time.GetUtcNow(), CancellationToken.None).ConfigureAwait(false);
            return true;
        }
    }

    private async Task RepeatAsync(IBackgroundJob job, CancellationToken cancellationToken)
    {
        var pause = job.Interval < s_betweenLooks ? job.Interval.Value : s_betweenLooks;
        using var timer = new PeriodicTimer(pause, time);
        try
        {
            do
            {
                try
                {
                    await RunDueAsync(job, cancellationToken).ConfigureAwait(false);
                }
                catch (LightningException e)
                {
                    LogFailed(logger, job.Name, e.Message);
                }
            } while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Asked to end.
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Job {Job} failed and will be tried again: {Reason}")]
    private static partial void LogFailed(ILogger logger, string job, string reason);
}
