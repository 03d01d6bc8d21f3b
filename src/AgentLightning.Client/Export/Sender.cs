using AgentLightning.Common;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Client.Export;

/// <summary>Sends batches to the server, again and again while it is away, and counts what became of them. Any thread may call.</summary>
/// <param name="stop">The limit of closing is over.</param>
internal sealed partial class Sender(
    LightningClientOptions options,
    ICaptureSink sink,
    Counters counters,
    TimeProvider time,
    ILogger logger,
    CancellationToken stop
)
{
    /// <summary>Tries of a batch on which the server fails, before it is given up: others wait behind it.</summary>
    private const int MostFailures = 8;

    private bool _away;

    /// <summary>
    /// Sends until it is taken or refused; false when <paramref name="giveUp"/> came before. The first answer may be there already.
    /// </summary>
    public async Task<bool> SendUntilAsync(Payload payload, SinkAnswer? first, CancellationToken giveUp)
    {
        var answer = first ?? await SendAsync(payload).ConfigureAwait(false);
        for (int attempts = 1, failures = 0; answer.Verdict is Verdict.TryLater or Verdict.Failed; attempts++)
        {
            TellAway(answer.Problem);
            failures += answer.Verdict == Verdict.Failed ? 1 : 0;
            if (failures >= MostFailures)
            {
                answer = answer with { Verdict = Verdict.Refused };
                break;
            }

            var wait = Backoff.Of(attempts, options.FirstRetry, options.LongestRetry, answer.Wait, Random.Shared.NextDouble());
            await Task.Delay(wait, time, giveUp).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (giveUp.IsCancellationRequested)
            {
                break;
            }

            counters.Retry();
            answer = await SendAsync(payload).ConfigureAwait(false);
        }

        if (answer.Verdict is Verdict.Taken or Verdict.Refused)
        {
            Settle(payload, answer);
            return true;
        }

        return false;
    }

    /// <summary>Sends once. What is cut short by the end of closing is to be sent later.</summary>
    public async Task<SinkAnswer> SendAsync(Payload payload)
    {
        try
        {
            return await sink.SendAsync(payload, stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return new SinkAnswer(Verdict.TryLater, Problem: "the client was closed");
        }
    }

    /// <summary>Counts what the server took and what it refused.</summary>
    public void Settle(Payload payload, SinkAnswer answer)
    {
        var refused = answer.Verdict == Verdict.Refused ? payload.Records : Math.Min(answer.Refused, payload.Records);
        if (answer.Verdict == Verdict.Taken && Volatile.Read(ref _away))
        {
            _away = false;
            LogBack(logger);
        }

        if (refused < payload.Records)
        {
            counters.Send(payload.Records - refused);
        }

        if (refused > 0)
        {
            counters.Drop(DropReason.Refused, refused);
            LogRefused(logger, refused, answer.Problem ?? "the server's answer names them");
        }
    }

    /// <summary>Says that the server is away, once until it is back.</summary>
    public void TellAway(string? problem)
    {
        if (!Interlocked.Exchange(ref _away, true))
        {
            LogAway(logger, problem ?? "unknown");
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "The Lightning server does not take records now ({Problem}). They wait and are sent when it does."
    )]
    private static partial void LogAway(ILogger logger, string problem);

    [LoggerMessage(Level = LogLevel.Information, Message = "The Lightning server takes records again.")]
    private static partial void LogBack(ILogger logger);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} record(s) were refused by the Lightning server: {Problem}")]
    private static partial void LogRefused(ILogger logger, int count, string problem);
}
