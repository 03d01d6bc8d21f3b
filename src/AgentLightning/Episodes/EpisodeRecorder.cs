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

    /// <summary>Queues an episode and completes when it is on disk (true) or is lost (false).</summary>
    public async Task<bool> RecordDurablyAsync(Episode episode, CancellationToken cancellationToken) =>
        await TryStoreAsync(episode, cancellationToken).ConfigureAwait(false) is null;

    /// <summary>
    /// Queues an episode and completes when it is on disk; null then. Otherwise why it is lost, for the person who asked.
    /// </summary>
    public async Task<string?> TryStoreAsync(Episode episode, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        return await EnqueueAsync(new Entry(episode, done, QueueRoom.SizeOf(episode)), cancellationToken).ConfigureAwait(false)
            ? await done.Task.WaitAsync(cancellationToken).ConfigureAwait(false)
            : "The store does not take episodes as fast as they come.";
    }

    /// <summary>Completes when every episode queued before the call is on disk or counted as dropped.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        var reached = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
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
        if (entry.Episode is null)
        {
            return entry;
        }

        try
        {
            var (redacted, count) = EpisodeRedaction.Apply(_redactor, entry.Episode);
            Interlocked.Add(ref _redacted, count);
            return entry with { Episode = redacted };
        }
        catch (Exception e)
        {
            Interlocked.Increment(ref _dropped);
            // The message of an unknown error may quote what could not be redacted.
            LogDropped(_logger, 1, e is LightningException ? e.Message : $"it could not be redacted ({e.GetType().Name})");
            entry.Done?.TrySetResult("The episode could not be redacted.");
            return null;
        }
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
            if (episodes.Count > 0)
            {
                await _store.AddAsync(episodes, CancellationToken.None).ConfigureAwait(false);
                Interlocked.Add(ref _recorded, episodes.Count);
            }

            group.ForEach(entry => entry.Done?.TrySetResult(null));
        }
        catch (Exception e) when (group.Count > 1 && e is not LightningException { Kind: ErrorKind.Unavailable })
        {
            LogRetry(_logger, episodes.Count, _redactor.Redact(e.Message));
            foreach (var entry in group)
            {
                await CommitAsync([entry]).ConfigureAwait(false);
            }
        }
        catch (Exception e)
        {
            Interlocked.Add(ref _dropped, episodes.Count);
            var reason = _redactor.Redact(e.Message);
            LogDropped(_logger, episodes.Count, reason);
            group.ForEach(entry => entry.Done?.TrySetResult(e is LightningException ? reason : "The store did not take the episode."));
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Count} episode(s) dropped: {Reason}")]
    private static partial void LogDropped(ILogger logger, int count, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A group of {Count} episodes was refused and is tried one by one: {Reason}")]
    private static partial void LogRetry(ILogger logger, int count, string reason);

    /// <summary>
    /// An episode to write, or without one a mark in the queue; whoever waits for it is told through <paramref name="Done"/>.
    /// </summary>
    private readonly record struct Entry(Episode? Episode, TaskCompletionSource<string?>? Done, long Bytes = 0);
}
