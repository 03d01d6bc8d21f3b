using AgentLightning.Common;
using AgentLightning.Storage;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Training;

/// <summary>
/// Executes queued runs, the oldest first, each under its lease: of all servers on a store one does, and when that ends in the middle
/// another goes on.
/// </summary>
public sealed partial class TrainingWorker
{
    /// <summary>Runs that it looks at for one that nobody executes.</summary>
    private const int MostLooks = 100;

    /// <summary>How often it looks without a notice: a lease runs out without one.</summary>
    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromSeconds(5);

    private readonly ITrainingRunStore _runs;
    private readonly TrainingExecutor _executor;
    private readonly Leases _leases;
    private readonly IChangeNotices _notices;
    private readonly TrainingOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<TrainingWorker> _logger;

    internal TrainingWorker(
        ITrainingRunStore runs,
        TrainingExecutor executor,
        Leases leases,
        IChangeNotices notices,
        TrainingOptions options,
        TimeProvider time,
        ILogger<TrainingWorker> logger
    ) => (_runs, _executor, _leases, _notices, _options, _time, _logger) = (runs, executor, leases, notices, options, time, logger);

    /// <summary>
    /// Executes runs as they come, so many at once as the options say, until cancelled. Runs that are under way then are left for others.
    /// </summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (_options.ParallelRuns == 0)
        {
            return;
        }

        using var changed = new SemaphoreSlim(0);
        using var subscription = _notices.Subscribe(TrainingRun.Changes, _ => changed.Release());
        await Task.WhenAll(Enumerable.Range(0, _options.ParallelRuns).Select(_ => RepeatAsync(changed, cancellationToken)))
            .ConfigureAwait(false);
    }

    /// <summary>Executes the oldest queued run that nobody executes. False when there is none.</summary>
    public async Task<bool> RunNextAsync(CancellationToken cancellationToken)
    {
        var waiting = await _runs.ListToDoAsync(_executor.Engines, MostLooks, cancellationToken).ConfigureAwait(false);
        foreach (var run in waiting)
        {
            var held = await _leases.TryHoldAsync(run.LeaseName, cancellationToken).ConfigureAwait(false);
            if (held is null)
            {
                continue;
            }

            await using (held.ConfigureAwait(false))
            {
                // Whoever had the lease until just now may have ended it.
                if (await _runs.FindAsync(run.Id, cancellationToken).ConfigureAwait(false) is { IsOver: false } current)
                {
                    var ended = await _executor.ExecuteAsync(current, held, null, null, cancellationToken).ConfigureAwait(false);
                    LogEnded(_logger, ended.Id, ended.Status, ended.ErrorMessage ?? "");
                    return true;
                }
            }
        }

        return false;
    }

    private async Task RepeatAsync(SemaphoreSlim changed, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var again = false;
                try
                {
                    again = await RunNextAsync(cancellationToken).ConfigureAwait(false);
                }
                catch (Exception e) when (!cancellationToken.IsCancellationRequested)
                {
                    LogFailed(_logger, e.Message);
                }

                if (!again)
                {
                    await WaitAsync(changed, cancellationToken).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The server ends; others go on.
        }
    }

    private async Task WaitAsync(SemaphoreSlim changed, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var first = await Task.WhenAny(changed.WaitAsync(either.Token), Task.Delay(s_betweenLooks, _time, either.Token))
            .ConfigureAwait(false);
        await either.CancelAsync().ConfigureAwait(false);
        await first.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Training run {Run} is over: {Status}. {Reason}")]
    private static partial void LogEnded(ILogger logger, string run, TrainingStatus status, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A training run could not be executed and is tried again: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason);
}
