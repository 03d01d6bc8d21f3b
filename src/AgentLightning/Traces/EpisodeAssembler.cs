using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Governance;
using AgentLightning.Rewards;
using AgentLightning.Traces.Reading;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Traces;

/// <summary>
/// Reads episodes and rewards out of traces when they are due. What waits lies in the store, so that nothing is lost with the process, and
/// several servers may read: the same trace gives the same ids.
/// </summary>
public sealed partial class EpisodeAssembler(
    ITraceStore traces,
    IEpisodeStore episodes,
    IRewardStore rewards,
    IEnumerable<IRewardObserver> observers,
    TraceIngestor ingestor,
    Redactor redactor,
    TraceOptions options,
    TimeProvider time,
    ILogger<EpisodeAssembler> logger
)
{
    private const int Round = 64;

    /// <summary>Bytes on their way to the disk above which much comes in.</summary>
    private const int Busy = 256 * 1024;

    private const int LongestReason = 500;

    /// <summary>How long nobody looks at most while nothing comes in: what other servers took in may be left for this one.</summary>
    private static readonly TimeSpan s_rest = TimeSpan.FromSeconds(5);

    private string? _failing;

    /// <summary>
    /// Reads what is due, and looks again every <see cref="TraceOptions.ReadInterval"/>, until it is cancelled; more and more seldom, down
    /// to every five seconds, when nothing came in for as long as a trace waits for its root. A failure is tried again; it is logged when
    /// it begins, when its reason changes, and when it is over.
    /// </summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var (wait, arrival) = (options.ReadInterval, ingestor.Arrival);
        long? arrivedAt = null;
        while (true)
        {
            await LookAsync(cancellationToken).ConfigureAwait(false);
            if (arrival.IsCompleted)
            {
                (arrival, arrivedAt) = (ingestor.Arrival, time.GetTimestamp());
            }

            if (arrivedAt is { } at && time.GetElapsedTime(at) <= options.Quiet + options.ReadInterval)
            {
                wait = options.ReadInterval;
                await Task.Delay(wait, time, cancellationToken).ConfigureAwait(false);
                continue;
            }

            wait = wait >= s_rest ? wait : TimeSpan.FromTicks(Math.Min(2 * wait.Ticks, s_rest.Ticks));
            using var awake = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(arrival, Task.Delay(wait, time, awake.Token)).ConfigureAwait(false);
            await awake.CancelAsync().ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    internal async Task LookAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (await ReadDueAsync(cancellationToken).ConfigureAwait(false) == Round && ingestor.QueuedBytes < Busy)
            {
                // There may be more. While much comes in, one round in each interval: what waits is safe in the store, and senders wait for
                // an answer.
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

        var read = new List<ReadTrace>(due.Count);
        foreach (var trace in due)
        {
            var spans = ingestor.Fresh.Take(trace)
                ?? await traces.SpansAsync(trace.TraceId, options.MostSpans, cancellationToken).ConfigureAwait(false);
            read.Add(Read(trace, spans));
        }

        var readings = await StoreAsync(read, now, cancellationToken).ConfigureAwait(false);
        // Last: whoever dies before it reads the same again.
        await traces.MarkReadAsync(readings, now, cancellationToken).ConfigureAwait(false);
        return due.Count;
    }

    /// <summary>One trace that cannot be read does not keep the others from being read. Its spans stay.</summary>
    private ReadTrace Read(DueTrace trace, IReadOnlyList<SpanRecord> spans)
    {
        try
        {
            var whole = new TraceEpisode(spans);
            var episode = whole.Read();
            return new ReadTrace(trace, episode, whole.Scores, ingestor.CountsOf(whole.FindingsOf(episode)));
        }
        catch (Exception e)
        {
            LogUnreadable(logger, trace.TraceId, e.GetType().Name);
            return new ReadTrace(trace, null, [], [], $"It cannot be read ({e.GetType().Name}).");
        }
    }

    /// <summary>
    /// Stores what was read together. What the store refuses for what is in it is tried once more, trace by trace, so that one does not
    /// keep the others from being stored; that one is marked, and the reading goes on.
    /// </summary>
    private async Task<List<AssembledTrace>> StoreAsync(List<ReadTrace> read, DateTimeOffset now, CancellationToken cancellationToken)
    {
        try
        {
            return await StoreTogetherAsync(read, now, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (IsOfContent(e) && read.Count > 1)
        {
            var readings = new List<AssembledTrace>(read.Count);
            foreach (var one in read)
            {
                readings.AddRange(await StoreAsync([one], now, cancellationToken).ConfigureAwait(false));
            }

            return readings;
        }
        catch (Exception e) when (IsOfContent(e))
        {
            var reason = redactor.Redact(e.Message);
            reason = $"The store refused it: {(reason.Length <= LongestReason ? reason : reason[..LongestReason])}";
            LogRefused(logger, read[0].Trace.TraceId, reason);
            return [new AssembledTrace(read[0].Trace, null, Failure: reason)];
        }
    }

    /// <summary>True when the same will fail again; a store that is away or full takes the same later.</summary>
    private static bool IsOfContent(Exception e) =>
        e is not OperationCanceledException and not LightningException { Kind: ErrorKind.Unavailable or ErrorKind.Corrupt };

    private async Task<List<AssembledTrace>> StoreTogetherAsync(
        List<ReadTrace> read,
        DateTimeOffset now,
        CancellationToken cancellationToken
    )
    {
        var told = read.Where(one => one.Episode is not null).ToLookup(one => one.Trace.EpisodeId == one.Episode!.Id, one => one.Episode!);
        await episodes.AddAsync([.. told[false]], cancellationToken).ConfigureAwait(false);
        if (told[true].Any())
        {
            await episodes.UpdateReadAsync([.. told[true]], cancellationToken).ConfigureAwait(false);
        }

        var readings = new List<AssembledTrace>();
        foreach (var (trace, episode, scores, findings, failure) in read)
        {
            var (owned, lost) = await OwnersAsync(scores, episode, cancellationToken).ConfigureAwait(false);
            foreach (var (owner, score) in owned)
            {
                await RewardAsync(owner, score, cancellationToken).ConfigureAwait(false);
            }

            // What only tells of the episode of another trace goes with that.
            var only = owned.Select(one => one.Owner.EpisodeId).Distinct().Take(2).ToList() is [var owningId] ? owningId : null;
            readings.Add(new AssembledTrace(trace, episode?.Id ?? only, Again(trace, lost, now), failure, findings));
        }

        return readings;
    }

    /// <summary>
    /// Whose each score is: of the episode of its trace, or of the one that gave the answer it names, if it may be told by who sent it.
    /// </summary>
    /// <returns>Those with an owner, and those whose answer is not there, or not the sender's to score.</returns>
    private async Task<(List<(EpisodeOrigin Owner, TraceScore Score)> Owned, List<TraceScore> Lost)> OwnersAsync(
        List<TraceScore> scores,
        Episode? episode,
        CancellationToken cancellationToken
    )
    {
        var (owned, lost) = (new List<(EpisodeOrigin, TraceScore)>(), new List<TraceScore>());
        foreach (var score in scores)
        {
            var owner = score.ResponseId is null
                ? episode
                : await episodes.FindByMessageAsync(score.ResponseId, cancellationToken).ConfigureAwait(false);
            if (
                owner is not null
                && (score.ResponseId is null || owner.AgentId == score.Sender.AgentId || score.Sender.Marks.HasFlag(SpanMarks.EveryAgent))
            )
            {
                owned.Add((new EpisodeOrigin(owner.Id, owner.AgentId, owner.DeploymentId), score));
            }
            else if (score.ResponseId is not null)
            {
                lost.Add(score);
            }
        }

        return (owned, lost);
    }

    /// <summary>
    /// When to look again for the answers that scores are of: later and later, for as long as a late span would change an episode.
    /// </summary>
    private DateTimeOffset? Again(DueTrace trace, List<TraceScore> lost, DateTimeOffset now)
    {
        if (lost.Count == 0)
        {
            return null;
        }

        var waited = now - lost.Max(score => score.Sender.ReceivedAt);
        if (waited < options.LateWindow)
        {
            return now + (waited > options.Quiet ? waited : options.Quiet);
        }

        LogLost(logger, lost.Count, trace.TraceId, lost[0].Sender.AgentId);
        return null;
    }

    private async Task RewardAsync(EpisodeOrigin origin, TraceScore score, CancellationToken cancellationToken)
    {
        var reward = new Reward
        {
            Id = score.Id,
            EpisodeId = origin.EpisodeId,
            AgentId = origin.AgentId,
            Source = RewardSource.EvalScore,
            Evaluator = score.Evaluator.Length <= Ids.LongestName ? score.Evaluator : score.Evaluator[..Ids.LongestName],
            Value = score.Value,
            RawValue = score.RawValue,
            Scale = score.Scale,
            Comments = score.Comments,
            CreatedAt = score.Sender.ReceivedAt,
        };
        if (await rewards.AddAsync([reward], cancellationToken).ConfigureAwait(false) == 0)
        {
            return;
        }

        foreach (var observer in observers)
        {
            await observer.RewardedAsync(origin, reward, cancellationToken).ConfigureAwait(false);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "No episode can be read out of trace {Trace} ({Error}); its spans are kept.")]
    private static partial void LogUnreadable(ILogger logger, string trace, string error);

    [LoggerMessage(Level = LogLevel.Error, Message = "Trace {Trace} is marked as failed, and its spans are kept. {Reason}")]
    private static partial void LogRefused(ILogger logger, string trace, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Traces cannot be read, which is tried again every moment: {Reason}")]
    private static partial void LogFailure(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Traces are read again.")]
    private static partial void LogReadAgain(ILogger logger);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "{Count} evaluation results in trace {Trace} name an answer (gen_ai.response.id) that no episode of the agent {Agent} "
            + "gave; they are kept as spans only."
    )]
    private static partial void LogLost(ILogger logger, int count, string trace, string agent);

    /// <summary>What was read out of a trace.</summary>
    private sealed record ReadTrace(
        DueTrace Trace,
        Episode? Episode,
        List<TraceScore> Scores,
        List<TraceCount> Findings,
        string? Failure = null
    );
}
