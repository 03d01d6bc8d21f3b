using System.Threading.Channels;
using AgentLightning.Common;
using AgentLightning.Governance;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Episodes;

/// <summary>
/// Takes episodes from the caller's thread into a bounded queue; a background writer redacts them and commits them in groups.
/// What cannot be redacted is dropped and never written as it came.
/// A failure to capture never fails the work that was captured: it is counted, and <see cref="FlushAsync"/> tells.
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
    private readonly Task _writer;
    private long _recorded, _dropped, _redacted;

    public EpisodeRecorder(IEpisodeStore store, Redactor redactor, EpisodeRecorderOptions options, TimeProvider time, ILogger<EpisodeRecorder> logger)
    {
        options.Validate();
        (_store, _redactor, _options, _time, _logger) = (store, redactor, options, time, logger);
        _queue = Channel.CreateBounded<Entry>(new BoundedChannelOptions(options.Capacity) { SingleReader = true });
        _writer = Task.Run(WriteAsync);
    }

    /// <summary>Episodes that are on disk.</summary>
    public long Recorded => Interlocked.Read(ref _recorded);

    /// <summary>Episodes that were lost, because the queue stayed full, they could not be redacted, or the store refused them.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Secrets and personal data that were taken out of episodes before they were written.</summary>
    public long Redacted => Interlocked.Read(ref _redacted);

    /// <summary>
    /// Queues an episode. Completes at once while there is room; with a full queue it waits up to <see cref="EpisodeRecorderOptions.FullWait"/>.
    /// False means that the episode was dropped.
    /// </summary>
    public ValueTask<bool> RecordAsync(Episode episode, CancellationToken cancellationToken) =>
        _queue.Writer.TryWrite(new Entry(episode, null)) ? new(true) : WaitForRoomAsync(episode, cancellationToken);

    /// <summary>
    /// Completes when every episode queued before the call is on disk; fails with <see cref="ErrorKind.Unavailable"/> when one since the last flush was not stored.
    /// </summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        var barrier = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await _queue.Writer.WriteAsync(new Entry(null, barrier), cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            await _writer.ConfigureAwait(false);
            return;
        }

        await barrier.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _writer.ConfigureAwait(false);
    }

    private async ValueTask<bool> WaitForRoomAsync(Episode episode, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(_options.FullWait, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await _queue.Writer.WriteAsync(new Entry(episode, null), either.Token).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is ChannelClosedException || (e is OperationCanceledException && limit.IsCancellationRequested))
        {
            Interlocked.Increment(ref _dropped);
            LogDropped(_logger, 1, e is ChannelClosedException ? "the recorder is closed" : "the queue stayed full");
            return false;
        }
    }

    private async Task WriteAsync()
    {
        var group = new List<Episode>(_options.GroupSize);
        var barriers = new List<TaskCompletionSource>();
        // Kept until a flush has told it: an episode may be lost before the flush that asks for it is read.
        Exception? failure = null;
        while (await _queue.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            while (group.Count < _options.GroupSize && _queue.Reader.TryRead(out var entry))
            {
                if (entry.Episode is not null)
                {
                    failure = Redact(entry.Episode, group) ?? failure;
                }
                else
                {
                    barriers.Add(entry.Barrier!);
                }
            }

            failure = await CommitAsync(group).ConfigureAwait(false) ?? failure;
            foreach (var barrier in barriers)
            {
                if (failure is null)
                {
                    barrier.TrySetResult();
                }
                else
                {
                    barrier.TrySetException(new LightningException(ErrorKind.Unavailable, $"The episode could not be stored: {failure.Message}", failure));
                }
            }

            failure = barriers.Count > 0 ? null : failure;
            group.Clear();
            barriers.Clear();
        }
    }

    /// <summary>Adds the episode without what must not be stored; one that cannot be redacted is dropped, and the reason is given back.</summary>
    private Exception? Redact(Episode episode, List<Episode> group)
    {
        try
        {
            var (redacted, count) = EpisodeRedaction.Apply(_redactor, episode);
            group.Add(redacted);
            Interlocked.Add(ref _redacted, count);
            return null;
        }
        catch (Exception e)
        {
            Interlocked.Increment(ref _dropped);
            // The message of an unknown error may quote what could not be redacted.
            LogDropped(_logger, 1, e is LightningException ? e.Message : $"it could not be redacted ({e.GetType().Name})");
            return e is LightningException ? e : new LightningException(ErrorKind.Invalid, "it could not be redacted");
        }
    }

    /// <summary>A group that the store refuses is tried once more, record by record, so that one bad record does not take the others with it.</summary>
    private async Task<Exception?> CommitAsync(List<Episode> group)
    {
        if (group.Count == 0)
        {
            return null;
        }

        try
        {
            await _store.AddAsync(group, CancellationToken.None).ConfigureAwait(false);
            Interlocked.Add(ref _recorded, group.Count);
            return null;
        }
        catch (Exception e) when (group.Count > 1)
        {
            LogRetry(_logger, group.Count, _redactor.Redact(e.Message));
        }
        catch (Exception e)
        {
            Interlocked.Increment(ref _dropped);
            LogDropped(_logger, 1, _redactor.Redact(e.Message));
            return e;
        }

        Exception? last = null;
        foreach (var episode in group)
        {
            last = await CommitAsync([episode]).ConfigureAwait(false) ?? last;
        }

        return last;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Count} episode(s) dropped: {Reason}")]
    private static partial void LogDropped(ILogger logger, int count, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A group of {Count} episodes was refused and is tried one by one: {Reason}")]
    private static partial void LogRetry(ILogger logger, int count, string reason);

    private readonly record struct Entry(Episode? Episode, TaskCompletionSource? Barrier);
}
