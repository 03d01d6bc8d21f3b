using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Jobs;
using AgentLightning.Traces;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Retention;

/// <summary>What one sweep took away.</summary>
/// <param name="Traces">Traces that belonged to no episode any more.</param>
/// <param name="TracePayloads">Traces whose spans lost their bodies.</param>
public sealed record RetentionResult(long Episodes, long Payloads, long Traces, long TracePayloads);

/// <summary>Takes away what is older than the store keeps it. Of several servers on one store one sweeps.</summary>
public sealed partial class RetentionSweeper : IBackgroundJob
{
    private const int Step = 100;
    private static readonly Scope s_scope = Scope.Owner("retention");
    private readonly DeleteEpisodes _removal;
    private readonly ITraceStore _traces;
    private readonly RetentionOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    public RetentionSweeper(
        DeleteEpisodes removal,
        ITraceStore traces,
        RetentionOptions options,
        TimeProvider time,
        ILogger<RetentionSweeper> logger
    )
    {
        options.Validate();
        (_removal, _traces, _options, _time, _logger) = (removal, traces, options, time, logger);
    }

    public string Name => "retention";

    public TimeSpan? Interval => _options is { EpisodeAge: null, PayloadAge: null } ? null : _options.Interval;

    /// <summary>Sweeps once, now.</summary>
    public async Task<RetentionResult> SweepAsync(CancellationToken cancellationToken)
    {
        // Whole episodes first: their payloads need no step of their own then.
        var episodes = await RemoveAsync(_options.EpisodeAge, RemovalScope.Episode, cancellationToken).ConfigureAwait(false);
        var payloads = await RemoveAsync(_options.PayloadAge, RemovalScope.Payload, cancellationToken).ConfigureAwait(false);
        var traces = await RemoveAsync(_options.EpisodeAge, _traces.DeleteBeforeAsync, cancellationToken).ConfigureAwait(false);
        var bodies = await RemoveAsync(_options.PayloadAge, _traces.DeletePayloadsBeforeAsync, cancellationToken).ConfigureAwait(false);
        return new RetentionResult(episodes, payloads, traces, bodies);
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var swept = await SweepAsync(cancellationToken).ConfigureAwait(false);
        LogSwept(_logger, swept.Episodes, swept.Payloads, swept.Traces, swept.TracePayloads);
    }

    private async Task<long> RemoveAsync(TimeSpan? age, RemovalScope what, CancellationToken cancellationToken) =>
        age is null
            ? 0
            : await _removal
                .ExecuteAsync(s_scope, new EpisodeSelection(OlderThan: _time.GetUtcNow() - age), what, null, cancellationToken)
                .ConfigureAwait(false);

    /// <summary>Traces by when they began to arrive: also those that no episode was read out of.</summary>
    private async Task<long> RemoveAsync(
        TimeSpan? age,
        Func<DateTimeOffset, int, CancellationToken, Task<int>> remove,
        CancellationToken cancellationToken
    )
    {
        var (removed, step) = (0L, age is null ? 0 : Step);
        while (step == Step)
        {
            cancellationToken.ThrowIfCancellationRequested();
            step = await remove(_time.GetUtcNow() - age!.Value, Step, cancellationToken).ConfigureAwait(false);
            removed += step;
        }

        return removed;
    }

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Retention took away {Episodes} episodes, the payloads of {Payloads} more, {Traces} traces without an episode, and the "
            + "span bodies of {TracePayloads} more"
    )]
    private static partial void LogSwept(ILogger logger, long episodes, long payloads, long traces, long tracePayloads);
}
