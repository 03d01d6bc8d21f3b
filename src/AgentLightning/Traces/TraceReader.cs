using AgentLightning.Episodes;
using AgentLightning.Governance;
using AgentLightning.Rewards;
using AgentLightning.Traces.Reading;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Traces;

/// <summary>
/// Reads episodes and rewards out of traces when they are due. What waits lies in the store, so that nothing is lost with the process, and several servers may read:
/// the same trace gives the same ids.
/// </summary>
public sealed partial class TraceReader(
    ITraceStore traces, IEpisodeStore episodes, IRewardStore rewards, IEnumerable<IRewardObserver> observers, TraceIngestor ingestor, Redactor redactor, TraceOptions options, TimeProvider time,
    ILogger<TraceReader> logger)
{
    private const int Round = 64;

    /// <summary>The queue is busy when this part of it is full.</summary>
    private const int PartOfBusy = 256;

    private string? _failing;

    /// <summary>
    /// Reads what is due, and looks again every <see cref="TraceOptions.ReadInterval"/>, until it is cancelled. A failure is tried again; it is logged when it begins, when its reason
    /// changes, and when it is over.
    /// </summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(options.ReadInterval, time);
        do
        {
            await LookAsync(cancellationToken).ConfigureAwait(false);
        }
        while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false));
    }

    internal async Task LookAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (await ReadDueAsync(cancellationToken).ConfigureAwait(false) == Round && ingestor.QueuedBytes < options.QueueBytes / PartOfBusy)
            {
                // There may be more. While much comes in, one round in each interval: what waits is safe in the store, and senders wait for an answer.
            }

            if (_failing is not null)
            {
                _failing = null;
                LogReadAgain(logger);
            }
        }
        catch (Exception e) when (e is not OperationCanceledException && e.Message == _failing)
        {
            // Said already.
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _failing = e.Message;
            LogFailure(logger, redactor.Redact(e.Message));
        }
    }

    /// <summary>Reads at most 64 traces that are due now. Gives how many; fewer than 64 means that none is left.</summary>
    public async Task<int> ReadDueAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var due = await traces.DueAsync(now, Round, cancellationToken).ConfigureAwait(false);
        if (due.Count == 0)
        {
            return 0;
        }

        var (added, changed, scores, readings) = (new List<Episode>(), new List<Episode>(), new List<(Episode Episode, TraceScore Score)>(), new List<TraceReading>());
        foreach (var trace in due)
        {
            var spans = await traces.SpansAsync(trace.TraceId, options.MostSpans, cancellationToken).ConfigureAwait(false);
            Episode? episode = null;
            try
            {
                var read = new TraceEpisode(spans);
                episode = read.Read();
                scores.AddRange(episode is null ? [] : read.Scores.Select(score => (episode, score)));
            }
            catch (Exception e)
            {
                // One trace that cannot be read does not keep the others from being read. Its spans stay.
                LogUnreadable(logger, trace.TraceId, e.GetType().Name);
            }

            readings.Add(new TraceReading(trace, episode?.Id));
            if (episode is not null)
            {
                (trace.EpisodeId is null ? added : changed).Add(episode);
            }
        }

        await episodes.AddAsync(added, cancellationToken).ConfigureAwait(false);
        if (changed.Count > 0)
        {
            await episodes.UpdateReadAsync(changed, cancellationToken).ConfigureAwait(false);
        }

        foreach (var (episode, score) in scores)
        {
            await RewardAsync(episode, score, cancellationToken).ConfigureAwait(false);
        }

        // Last: whoever dies before it reads the same again.
        await traces.MarkReadAsync(readings, now, cancellationToken).ConfigureAwait(false);
        return due.Count;
    }

    private async Task RewardAsync(Episode episode, TraceScore score, CancellationToken cancellationToken)
    {
        var reward = new Reward
        {
            Id = score.Id, EpisodeId = episode.Id, AgentId = episode.AgentId, Source = RewardSource.EvalScore, Evaluator = score.Evaluator, Value = score.Value, RawValue = score.RawValue,
            Scale = score.Scale, Comments = score.Comments, CreatedAt = score.ReceivedAt,
        };
        if (await rewards.AddAsync([reward], cancellationToken).ConfigureAwait(false) == 0)
        {
            return;
        }

        var origin = new EpisodeOrigin(episode.Id, episode.AgentId, episode.DeploymentId);
        foreach (var observer in observers)
        {
            await observer.RewardedAsync(origin, reward, cancellationToken).ConfigureAwait(false);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "No episode can be read out of trace {Trace} ({Error}); its spans are kept.")]
    private static partial void LogUnreadable(ILogger logger, string trace, string error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Traces cannot be read, which is tried again every moment: {Reason}")]
    private static partial void LogFailure(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Traces are read again.")]
    private static partial void LogReadAgain(ILogger logger);
}
