using System.Data.Common;
using System.Threading.Channels;
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
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Channel<Entry> _queue;
    private readonly QueueRoom _room;
    private readonly Task _writer;
    private long _recorded,
        _dropped,
        _redacted;

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
        _queue = Channel.CreateBounded<Entry>(new BoundedChannelOptions(options.Capacity) { SingleReader = true });
        _room = new QueueRoom(options.CapacityBytes);
        _writer = Task.Run(WriteAsync);
    }

    /// <summary>Episodes that are on disk.</summary>
    public long Recorded => Interlocked.Read(ref _recorded);

    /// <summary>Episodes that were lost, because the queue stayed full, they could not be redacted, or the store refused them.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Secrets and personal data that were taken out of episodes before they were written.</summary>
    public long Redacted => Interlocked.Read(ref _redacted);

    /// <summary>What waits to be written.</summary>
    public int Queued => _queue.Reader.Count;

    /// <summary>Bytes of what waits or is being written, about.</summary>
    public long QueuedBytes => _room.Used;

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
        EnqueueAsync(new Entry(episode, null, QueueRoom.SizeOf(episode)), cancellationToken);

    /// <summary>
    /// Queues an episode that is made when it is written, and never waits: false means that there was no room, and that it was dropped and
    /// counted. The draft is disposed in any case. <see cref="FlushAsync"/> waits for drafts too.
    /// </summary>
    public bool TryRecord(IEpisodeDraft draft)
    {
        var entry = new Entry(null, null, draft.Bytes, draft);
        var entered = _room.TryEnter(entry.Bytes);
        if (entered && _queue.Writer.TryWrite(entry))
        {
            return true;
        }

        _room.Leave(entered ? entry.Bytes : 0);
        draft.Dispose();
        Interlocked.Increment(ref _dropped);
        LogDropped(_logger, 1, "the queue is full, and nobody waits for room in it");
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
        var done = new TaskCompletionSource<AddedEpisode?>(TaskCreationOptions.RunContinuationsAsynchronously);
        return await EnqueueAsync(new Entry(episode, done, QueueRoom.SizeOf(episode)), cancellationToken).ConfigureAwait(false)
            ? (await done.Task.WaitAsync(cancellationToken).ConfigureAwait(false))!
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
        Parallel.For(0, episodes.Count, i => redacted[i] = TryRedact(episodes[i], null, out var problem) ?? Refuse(attempts, i, problem!));
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
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        var reached = new TaskCompletionSource<AddedEpisode?>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await _queue.Writer.WriteAsync(new Entry(null, reached), cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            await _writer.ConfigureAwait(false);
            return;
        }

        await reached.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _writer.ConfigureAwait(false);
    }

    private ValueTask<bool> EnqueueAsync(Entry entry, CancellationToken cancellationToken)
    {
        var entered = _room.TryEnter(entry.Bytes);
        return entered && _queue.Writer.TryWrite(entry) ? new(true) : WaitForRoomAsync(entry, entered, cancellationToken);
    }

    private async ValueTask<bool> WaitForRoomAsync(Entry entry, bool entered, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(_options.FullWait, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            if (!entered)
            {
                await _room.EnterAsync(entry.Bytes, either.Token).ConfigureAwait(false);
                entered = true;
            }

            await _queue.Writer.WriteAsync(entry, either.Token).ConfigureAwait(false);
            entered = false;
            return true;
        }
        catch (Exception e) when (e is ChannelClosedException || (e is OperationCanceledException && limit.IsCancellationRequested))
        {
            Interlocked.Increment(ref _dropped);
            LogDropped(_logger, 1, e is ChannelClosedException ? "the recorder is closed" : "the queue stayed full");
            return false;
        }
        finally
        {
            // What is queued leaves when it is written.
            _room.Leave(entered ? entry.Bytes : 0);
        }
    }

    private async Task WriteAsync()
    {
        var group = new List<Entry>(_options.GroupSize);
        var bytes = 0L;
        while (await _queue.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            while (group.Count < _options.GroupSize && _queue.Reader.TryRead(out var entry))
            {
                bytes += entry.Bytes;
                if (TryRedact(entry) is { } redacted)
                {
                    group.Add(redacted);
                }
            }

            await CommitAsync(group).ConfigureAwait(false);
            group.Clear();
            _room.Leave(bytes);
            bytes = 0;
        }
    }

    /// <summary>The entry without what must not be stored; null when it could not be redacted and is dropped.</summary>
    private Entry? TryRedact(Entry entry)
    {
        if (entry.Draft is null && entry.Episode is null)
        {
            return entry;
        }

        if (TryRedact(entry.Episode, entry.Draft, out var problem) is { } redacted)
        {
            return entry with { Episode = redacted, Draft = null };
        }

        entry.Done?.TrySetException(problem!);
        return null;
    }

    private Episode? TryRedact(Episode? episode, IEpisodeDraft? draft, out LightningException? problem)
    {
        try
        {
            using var made = draft;
            var (redacted, count) = EpisodeRedaction.Apply(_redactor, episode ?? draft!.ToEpisode());
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
    /// A group that the store refuses for what is in it is tried once more, record by record, so that one bad record does not take the
    /// others with it. A store that is away would keep each of them waiting in turn.
    /// </summary>
    private async Task CommitAsync(List<Entry> group)
    {
        var episodes = group.Where(entry => entry.Episode is not null).Select(entry => entry.Episode!).ToList();
        try
        {
            var added = new Queue<AddedEpisode>();
            if (episodes.Count > 0)
            {
                added = new(await _store.AddEachAsync(episodes, CancellationToken.None).ConfigureAwait(false));
                Interlocked.Add(ref _recorded, episodes.Count);
            }

            group.ForEach(entry =>
            {
                var stored = entry.Episode is null ? null : added.Dequeue();
                entry.Done?.TrySetResult(stored);
            });
        }
        catch (Exception e) when (group.Count > 1 && IsOfARecord(e))
        {
            LogRetry(_logger, episodes.Count, _redactor.Redact(e.Message));
            foreach (var entry in group)
            {
                await CommitAsync([entry]).ConfigureAwait(false);
            }
        }
        catch (Exception e)
        {
            var lost = Lost(e, episodes.Count);
            group.ForEach(entry =>
            {
                if (entry.Episode is null)
                {
                    entry.Done?.TrySetResult(null);
                }
                else
                {
                    entry.Done?.TrySetException(lost);
                }
            });
        }
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

    /// <summary>
    /// An episode to write, or the draft of one, or without either a mark in the queue; whoever waits for it is told through
    /// <paramref name="Done"/>.
    /// </summary>
    private readonly record struct Entry(
        Episode? Episode,
        TaskCompletionSource<AddedEpisode?>? Done,
        long Bytes = 0,
        IEpisodeDraft? Draft = null
    );
}
