using System.Data.Common;
using AgentLightning.Common;
using AgentLightning.Governance;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Episodes;

/// <summary>
/// Takes episodes from the caller's thread into a bounded queue; a background writer redacts them and commits them in groups.
/// What cannot be redacted is dropped and never written as it came.
/// A failure to capture never fails the work that was captured: it is counted, and <see cref="RecordDurablyAsync"/> tells.
/// </summary>
/// <remarks>Any thread may call. Disposal writes what is queued.</remarks>
public sealed partial class EpisodeRecorder : IAsyncDisposable
{
    private const string Again = "Nothing is lost when the same request is sent again later.";
    private readonly IEpisodeStore _store;
    private readonly Redactor _redactor;
    private readonly EpisodeRecorderOptions _options;
    private readonly ILogger _logger;
    private readonly GroupQueue<Entry, AddedEpisode> _queue;
    private readonly TimeProvider _time;
    private long _recorded,
        _dropped,
        _missed,
        _redacted,
        _toldAt;

    public EpisodeRecorder(
        IEpisodeStore store,
        Redactor redactor,
        EpisodeRecorderOptions options,
        TimeProvider time,
        ILogger<EpisodeRecorder> logger
    )
    {
        options.Validate();
        (_store, _redactor, _options, _time, _logger) = (store, redactor, options, time, logger);
        var limits = new GroupQueueOptions
        {
            Capacity = options.Capacity,
            CapacityBytes = options.CapacityBytes,
            GroupSize = options.GroupSize,
            FullWait = options.FullWait,
        };
        _queue = new(new Storing(this), limits, time);
    }

    /// <summary>Episodes that are on disk.</summary>
    public long Recorded => Interlocked.Read(ref _recorded);

    /// <summary>Episodes that were lost, because the queue stayed full, they could not be redacted, or the store refused them.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Secrets and personal data that were taken out of episodes before they were written.</summary>
    public long Redacted => Interlocked.Read(ref _redacted);

    /// <summary>What waits to be written.</summary>
    public int Queued => _queue.Count;

    /// <summary>Bytes of what waits or is being written, about.</summary>
    public long QueuedBytes => _queue.Bytes;

    /// <summary>
    /// Checks ids and names, which cannot be changed: one that holds a secret is <see cref="ErrorKind.Invalid"/>. Such an episode would be
    /// dropped.
    /// </summary>
    public void Check(Episode episode) => EpisodeRedaction.CheckNames(_redactor, episode);

    /// <summary>
    /// Queues an episode. Completes at once while there is room; with a full queue it waits up to
    /// <see cref="EpisodeRecorderOptions.FullWait"/>. False means that the episode was dropped.
    /// </summary>
    public ValueTask<bool> RecordAsync(Episode episode, CancellationToken cancellationToken) =>
        EnqueueAsync(episode, null, cancellationToken);

    /// <summary>
    /// Queues an episode that is made when it is written, and never waits: false means that there was no room, and that it was dropped and
    /// counted. The draft is disposed in any case. <see cref="FlushAsync"/> waits for drafts too.
    /// </summary>
    public bool TryRecord(IEpisodeDraft draft)
    {
        if (_queue.TryAdd(new Entry(null, draft), draft.Bytes))
        {
            return true;
        }

        draft.Dispose();
        Interlocked.Increment(ref _dropped);
        TellMissed();
        return false;
    }

    /// <summary>Queues an episode and completes when it is on disk (true) or is lost (false).</summary>
    public async Task<bool> RecordDurablyAsync(Episode episode, CancellationToken cancellationToken)
    {
        try
        {
            await StoreAsync(episode, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (LightningException)
        {
            return false;
        }
    }

    /// <summary>
    /// Queues an episode and completes when it is on disk, or was there. One that is lost throws why: <see cref="ErrorKind.Unavailable"/>
    /// where the same may succeed later, another kind where it never will.
    /// </summary>
    public async Task<AddedEpisode> StoreAsync(Episode episode, CancellationToken cancellationToken)
    {
        var done = GroupQueue<Entry, AddedEpisode>.NewDone();
        return await EnqueueAsync(episode, done, cancellationToken).ConfigureAwait(false)
            ? await done.Task.WaitAsync(cancellationToken).ConfigureAwait(false)
            : throw new LightningException(ErrorKind.Unavailable, $"The store does not take episodes as fast as they come. {Again}");
    }

    /// <summary>
    /// Stores a group that came as one, past the queue: whoever has it already waits for it, so that there is no more of it than one. Tells
    /// for each what became of it. <see cref="ErrorKind.Unavailable"/> is thrown; then a part may be stored.
    /// </summary>
    public async Task<IReadOnlyList<Attempt<AddedEpisode>>> StoreGroupAsync(
        IReadOnlyList<Episode> episodes,
        CancellationToken cancellationToken
    )
    {
        var attempts = new Attempt<AddedEpisode>[episodes.Count];
        var redacted = new Episode?[episodes.Count];
        Parallel.For(0, episodes.Count, i =>
            redacted[i] = TryRedact(new Entry(episodes[i], null), out var problem) ?? Refuse(attempts, i, problem!)
        );
        var left = Enumerable.Range(0, episodes.Count).Where(i => redacted[i] is not null).ToList();
        foreach (var chunk in left.Chunk(_options.GroupSize))
        {
            await AddAsync(chunk).ConfigureAwait(false);
        }

        return attempts;

        async Task AddAsync(int[] chunk)
        {
            try
            {
                var added = await _store.AddEachAsync([.. chunk.Select(i => redacted[i]!)], cancellationToken).ConfigureAwait(false);
                Interlocked.Add(ref _recorded, added.Count);
                for (var i = 0; i < chunk.Length; i++)
                {
                    attempts[chunk[i]] = new(added[i], null);
                }
            }
            catch (Exception e) when (IsOfARecord(e) && chunk.Length > 1)
            {
                LogRetry(_logger, chunk.Length, _redactor.Redact(e.Message));
                foreach (var i in chunk)
                {
                    await AddAsync([i]).ConfigureAwait(false);
                }
            }
            catch (Exception e) when (IsOfARecord(e))
            {
                attempts[chunk[0]] = new(null, Lost(e, 1));
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                throw Lost(e, chunk.Length);
            }
        }
    }

    /// <summary>Completes when every episode queued before the call is on disk or counted as dropped.</summary>
    public Task FlushAsync(CancellationToken cancellationToken) => _queue.FlushAsync(cancellationToken);

    public ValueTask DisposeAsync() => _queue.DisposeAsync();

    private ValueTask<bool> EnqueueAsync(Episode episode, TaskCompletionSource<AddedEpisode>? done, CancellationToken cancellationToken)
    {
        var adding = _queue.AddAsync(new Entry(episode, null), EpisodeSize.Of(episode), done, cancellationToken);
        return adding is { IsCompletedSuccessfully: true, Result: true } ? new(true) : CountAsync(adding);

        async ValueTask<bool> CountAsync(ValueTask<bool> adding)
        {
            if (await adding.ConfigureAwait(false))
            {
                return true;
            }

            Interlocked.Increment(ref _dropped);
            LogDropped(_logger, 1, _queue.IsClosed ? "the recorder is closed" : "the queue stayed full");
            return false;
        }
    }

    /// <summary>One line a second: when the queue is full, nobody has time for one for each.</summary>
    private void TellMissed()
    {
        var missed = Interlocked.Increment(ref _missed);
        var (told, now) = (Interlocked.Read(ref _toldAt), _time.GetTimestamp());
        if (
            (told == 0 || _time.GetElapsedTime(told, now) >= TimeSpan.FromSeconds(1))
            && Interlocked.CompareExchange(ref _toldAt, now, told) == told
        )
        {
            Interlocked.Add(ref _missed, -missed);
            LogDropped(
                _logger,
                (int)missed,
                _queue.IsClosed ? "the recorder is closed" : "the queue is full, and their work does not wait"
            );
        }
    }

    private Episode? TryRedact(Entry entry, out LightningException? problem)
    {
        try
        {
            using var draft = entry.Draft;
            var (redacted, count) = EpisodeRedaction.Apply(_redactor, entry.Episode ?? draft!.ToEpisode());
            Interlocked.Add(ref _redacted, count);
            problem = null;
            return redacted;
        }
        catch (Exception e)
        {
            Interlocked.Increment(ref _dropped);
            problem =
                e as LightningException
                ?? new LightningException(ErrorKind.Invalid, "The episode could not be redacted, and so is not stored.", e);
            // The message of an unknown error may quote what could not be redacted.
            LogDropped(_logger, 1, e is LightningException ? e.Message : $"it could not be redacted ({e.GetType().Name})");
            return null;
        }
    }

    private static Episode? Refuse(Attempt<AddedEpisode>[] attempts, int i, LightningException problem)
    {
        attempts[i] = new(null, problem);
        return null;
    }

    /// <summary>
    /// Whether a failure is of what a record holds, so that the others are stored without it, and it will be refused as often as it is sent
    /// again. A store that is away, full or broken is none of these.
    /// </summary>
    private static bool IsOfARecord(Exception e) =>
        e switch
        {
            // Of the standard's classes of errors: data, constraints, and limits, such as that of the length of an indexed name.
            DbException { SqlState: [_, _, _, _, _] state } when state[..2] is "22" or "23" or "54" => true,
            DbException { SqlState: not null } => false,
            LightningException { InnerException: DbException { SqlState: not null } inner } => IsOfARecord(inner),
            LightningException { InnerException: DbException } => false,
            LightningException known => known.Kind is ErrorKind.Invalid or ErrorKind.Conflict or ErrorKind.NotFound,
            ObjectDisposedException or OperationCanceledException or IOException or TimeoutException => false,
            _ => true,
        };

    /// <summary>
    /// Counts episodes as dropped and says why. Where the same will be refused again, to say "later" would let a client send it for ever,
    /// and nothing behind it.
    /// </summary>
    private LightningException Lost(Exception e, int count)
    {
        Interlocked.Add(ref _dropped, count);
        var reason = _redactor.Redact(e.Message);
        LogDropped(_logger, count, reason);
        return (IsOfARecord(e), e) switch
        {
            (true, LightningException { Kind: not ErrorKind.Unavailable } known) => new LightningException(known.Kind, reason, e),
            (true, _) => new LightningException(ErrorKind.Invalid, "The store refused the episode for what is in it.", e),
            (false, LightningException) when reason.EndsWith(Again, StringComparison.Ordinal) => new(ErrorKind.Unavailable, reason, e),
            (false, LightningException) => new(ErrorKind.Unavailable, $"{reason} {Again}", e),
            _ => new(ErrorKind.Unavailable, $"The store did not take the episode. {Again}", e),
        };
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Count} episode(s) dropped: {Reason}")]
    private static partial void LogDropped(ILogger logger, int count, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A group of {Count} episodes was refused and is tried one by one: {Reason}")]
    private static partial void LogRetry(ILogger logger, int count, string reason);

    /// <summary>An episode, or the draft of one.</summary>
    private readonly record struct Entry(Episode? Episode, IEpisodeDraft? Draft);

    /// <summary>
    /// A group that the store refuses for what is in it is tried once more, record by record, so that one bad record does not take the
    /// others with it. A store that is away would keep each of them waiting in turn.
    /// </summary>
    private sealed class Storing(EpisodeRecorder recorder) : IGroupWork<Entry, AddedEpisode>
    {
        public Entry Prepare(Entry item) => new(recorder.TryRedact(item, out var problem) ?? throw problem!, null);

        public async Task RunAsync(ItemGroup<Entry, AddedEpisode> group)
        {
            var added = await recorder
                ._store.AddEachAsync([.. group.Items.Select(entry => entry.Episode!)], CancellationToken.None)
                .ConfigureAwait(false);
            Interlocked.Add(ref recorder._recorded, group.Count);
            group.Complete(added);
        }

        public bool IsOfOneItem(Exception failure) => IsOfARecord(failure);

        public void Divided(Exception failure, int count) => LogRetry(recorder._logger, count, recorder._redactor.Redact(failure.Message));

        public Exception Lost(Exception failure, int count) => recorder.Lost(failure, count);
    }
}
