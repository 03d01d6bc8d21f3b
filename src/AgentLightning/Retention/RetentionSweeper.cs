using AgentLightning.Common;
using AgentLightning.Episodes;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Retention;

/// <summary>What one sweep took away.</summary>
public sealed record RetentionResult(long Episodes, long Payloads);

/// <summary>Takes away what is older than the store keeps it. Several servers may sweep one store at the same time.</summary>
public sealed partial class RetentionSweeper
{
    private readonly EpisodeRemoval _removal;
    private readonly RetentionOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    public RetentionSweeper(EpisodeRemoval removal, RetentionOptions options, TimeProvider time, ILogger<RetentionSweeper> logger)
    {
        options.Validate();
        (_removal, _options, _time, _logger) = (removal, options, time, logger);
    }

    /// <summary>Sweeps once, now.</summary>
    public async Task<RetentionResult> SweepAsync(CancellationToken cancellationToken)
    {
        // Whole episodes first: their payloads need no step of their own then.
        var episodes = await RemoveAsync(_options.EpisodeAge, RemovalScope.Episode, cancellationToken).ConfigureAwait(false);
        var payloads = await RemoveAsync(_options.PayloadAge, RemovalScope.Payload, cancellationToken).ConfigureAwait(false);
        return new RetentionResult(episodes, payloads);
    }

    /// <summary>Sweeps at once and then at every interval, until cancelled. A sweep that fails is logged, and the next one takes what it left.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (_options is { EpisodeAge: null, PayloadAge: null })
        {
            return;
        }

        using var timer = new PeriodicTimer(_options.Interval, _time);
        try
        {
            do
            {
                try
                {
                    var swept = await SweepAsync(cancellationToken).ConfigureAwait(false);
                    LogSwept(_logger, swept.Episodes, swept.Payloads);
                }
                catch (LightningException e)
                {
                    LogFailed(_logger, e.Message);
                }
            }
            while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Asked to end.
        }
    }

    private async Task<long> RemoveAsync(TimeSpan? age, RemovalScope scope, CancellationToken cancellationToken) =>
        age is null ? 0 : await _removal.RemoveAsync(new EpisodeSelection(OlderThan: _time.GetUtcNow() - age), scope, null, cancellationToken).ConfigureAwait(false);

    [LoggerMessage(Level = LogLevel.Information, Message = "Retention took away {Episodes} episodes and the payloads of {Payloads} more")]
    private static partial void LogSwept(ILogger logger, long episodes, long payloads);

    [LoggerMessage(Level = LogLevel.Error, Message = "Retention failed and will be tried again: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason);
}
