using System.Threading.Channels;
using AgentLightning.Client.Telemetry;
using AgentLightning.Common;
using AgentLightning.Governance;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Client.Export;

/// <summary>
/// Takes captured items from the callers' threads into a bounded queue. One thread redacts, batches and sends them; while the server is
/// away it writes batches to disk, from where another sends them in order when the server is back.
/// </summary>
internal sealed partial class Exporter : IAsyncDisposable
{
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(2);
    private readonly LightningClientOptions _options;
    private readonly ICaptureSink _sink;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Channel<CaptureItem> _queue;

    /// <summary>The client is being closed: what waits on disk may stay there.</summary>
    private readonly CancellationTokenSource _closed = new();

    /// <summary>The limit of closing is over.</summary>
    private readonly CancellationTokenSource _stop = new();
    private readonly Batch _batch;
    private readonly Sender _sender;
    private readonly Task _writer;
    private readonly object _opening = new();

    /// <summary>What processes that ended had left is sent, once.</summary>
    private readonly TaskCompletionSource _adopted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _replayer = Task.CompletedTask;
    private Spool? _spool;
    private volatile Spool? _other;
    private long _otherDamaged;
    private bool _spoolFailed;
    private long _queuedBytes;
    private Task? _closing;

    public Exporter(LightningClientOptions options, ICaptureSink sink, Redactor redactor, TimeProvider time, ILogger logger)
    {
        (_options, _sink, _time, _logger) = (options, sink, time, logger);
        Counters = new Counters(() => _queue!.Reader.Count, () => SpoolBytes);
        _sender = new Sender(options, sink, Counters, time, logger, _stop.Token);
        _batch = new Batch(redactor, options, new OtlpSpans(redactor, options));
        _queue = Channel.CreateBounded<CaptureItem>(new BoundedChannelOptions(options.QueueCapacity) { SingleReader = true });
        _writer = Task.Run(WriteAsync);
    }

    public Counters Counters { get; }

    public long Queued => _queue.Reader.Count;

    public long SpoolBytes => (_spool?.Bytes ?? 0) + (_other?.Bytes ?? 0);

    public long SpoolDamaged => (_spool?.Damaged ?? 0) + Interlocked.Read(ref _otherDamaged) + (_other?.Damaged ?? 0);

    /// <summary>False when it is dropped, which is counted. Never waits and never throws.</summary>
    public bool TryEnqueue(CaptureItem item)
    {
        var size = item.Size;
        if (Interlocked.Add(ref _queuedBytes, size) <= _options.QueueBytes && _queue.Writer.TryWrite(item))
        {
            Counters.Capture();
            return true;
        }

        Interlocked.Add(ref _queuedBytes, -size);
        Counters.Drop(_closing is null ? DropReason.QueueFull : DropReason.Closed, 1);
        return false;
    }

    /// <summary>Completes when everything queued before the call is at the server or on disk, or was dropped.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        var mark = new Mark();
        try
        {
            await _queue.Writer.WriteAsync(mark, cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            await _writer.WaitAsync(cancellationToken).ConfigureAwait(false);
            return;
        }

        await mark.Reached.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Completes when nothing is left on disk.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        if (_spool is { } spool)
        {
            await _adopted.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            await spool.WaitAsync(empty: true, cancellationToken).ConfigureAwait(false);
        }
    }

    public ValueTask DisposeAsync()
    {
        lock (_opening)
        {
            _closing ??= CloseAsync();
        }

        return new ValueTask(_closing);
    }

    /// <summary>Delivers what is queued, within the limit; what is not delivered by then goes to disk.</summary>
    private async Task CloseAsync()
    {
        _queue.Writer.TryComplete();
        await _closed.CancelAsync().ConfigureAwait(false);
        await Task.WhenAny(DeliverAllAsync(), Task.Delay(_options.FlushTimeout, _time)).ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAny(Task.WhenAll(_writer, _replayer), Task.Delay(s_grace, _time)).ConfigureAwait(false);
        if (_writer.IsCompleted && _replayer.IsCompleted)
        {
            _spool?.Dispose();
        }

        (_sink as IDisposable)?.Dispose();
        Counters.Dispose();
    }

    /// <summary>Completes when nothing is left to do that a server at work would take.</summary>
    private async Task DeliverAllAsync()
    {
        await _writer.ConfigureAwait(false);
        if (_spool is not null)
        {
            await Task.WhenAny(_replayer, DrainAsync(_stop.Token)).ConfigureAwait(false);
        }
    }

    private async Task WriteAsync()
    {
        if (_options.SpoolBytes > 0 && _options.DataFolder.Length > 0 && HasLeftovers())
        {
            OpenSpool();
        }

        var reading = _queue.Reader.WaitToReadAsync().AsTask();
        while (await reading.ConfigureAwait(false))
        {
            reading = await FillAsync().ConfigureAwait(false);
            foreach (var payload in _batch.Payloads())
            {
                await DeliverAsync(payload).ConfigureAwait(false);
            }

            foreach (var mark in _batch.Marks)
            {
                mark.TrySetResult();
            }

            _batch.Clear();
        }
    }

    /// <summary>
    /// Fills the batch until it is full, its oldest record has waited long enough, or somebody waits for it. Gives the wait for the next.
    /// </summary>
    private async Task<Task<bool>> FillAsync()
    {
        var start = _time.GetTimestamp();
        while (true)
        {
            while (!_batch.IsFull && _queue.Reader.TryRead(out var item))
            {
                Interlocked.Add(ref _queuedBytes, -item.Size);
                Add(item);
            }

            var more = _queue.Reader.WaitToReadAsync().AsTask();
            var left = _options.BatchDelay - _time.GetElapsedTime(start);
            if (_batch.IsFull || _batch.Count == 0 || _batch.Marks.Count > 0 || left <= TimeSpan.Zero)
            {
                return more;
            }

            using var late = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            var first = await Task.WhenAny(more, Task.Delay(left, _time, late.Token)).ConfigureAwait(false);
            await late.CancelAsync().ConfigureAwait(false);
            if (first != more || !await more.ConfigureAwait(false))
            {
                return more;
            }
        }
    }

    private void Add(CaptureItem item)
    {
        try
        {
            item.Write(_batch);
        }
        catch (Exception e)
        {
            Counters.Drop(DropReason.Unwritable, 1);
            // The message of an unknown error may quote what could not be redacted.
            LogUnwritable(_logger, e is LightningException ? e.Message : e.GetType().Name);
        }
    }

    private async Task DeliverAsync(Payload payload)
    {
        if (_spool is null or { IsEmpty: true } && !_stop.IsCancellationRequested)
        {
            var answer = await _sender.SendAsync(payload).ConfigureAwait(false);
            if (answer.Verdict is Verdict.Taken or Verdict.Refused)
            {
                _sender.Settle(payload, answer);
                return;
            }

            _sender.TellAway(answer.Problem);
            if (!_spoolFailed && _spool is null)
            {
                OpenSpool();
            }

            if (_spool is null)
            {
                if (!await _sender.SendUntilAsync(payload, answer, _stop.Token).ConfigureAwait(false))
                {
                    Counters.Drop(DropReason.Closed, payload.Records);
                }

                return;
            }
        }

        if (_spool is null && !_spoolFailed)
        {
            OpenSpool();
        }

        Append(payload);
    }

    private void Append(Payload payload)
    {
        try
        {
            if (_spool?.TryAppend(payload) == true)
            {
                Counters.Spool(payload.Records);
                return;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogSpool(_logger, _options.DataFolder, e.GetType().Name);
        }

        Counters.Drop(DropReason.SpoolFull, payload.Records);
    }

    private async Task ReplayAsync(Spool spool)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                if (!await AdoptAsync().ConfigureAwait(false))
                {
                    return;
                }

                _adopted.TrySetResult();
                await spool.WaitAsync(empty: false, _stop.Token).ConfigureAwait(false);
                if (!await SendAllAsync(spool).ConfigureAwait(false))
                {
                    return;
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                LogSpool(_logger, _options.DataFolder, e.GetType().Name);
                await Task.Delay(_options.LongestRetry, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>
    /// Sends what processes of this folder had left when they ended. A process alone opens the first folder only, and nobody else would
    /// come for the others. False when the client was closed before.
    /// </summary>
    private async Task<bool> AdoptAsync()
    {
        while (Spool.TryAdopt(_options.DataFolder) is { } other)
        {
            using (other)
            {
                _other = other;
                try
                {
                    if (!await SendAllAsync(other).ConfigureAwait(false))
                    {
                        return false;
                    }
                }
                finally
                {
                    Interlocked.Add(ref _otherDamaged, other.Damaged);
                    _other = null;
                }
            }
        }

        return true;
    }

    /// <summary>False when the client was closed before all of it was sent.</summary>
    private async Task<bool> SendAllAsync(Spool spool)
    {
        while (spool.TryPeek(out var payload))
        {
            if (!await _sender.SendUntilAsync(payload, null, _closed.Token).ConfigureAwait(false))
            {
                return false;
            }

            spool.Advance();
        }

        return true;
    }

    private bool HasLeftovers()
    {
        try
        {
            return Spool.HasLeftovers(_options.DataFolder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogSpool(_logger, _options.DataFolder, e.GetType().Name);
            return false;
        }
    }

    /// <summary>The folder is made when it is needed, not where the server is never away.</summary>
    private void OpenSpool()
    {
        if (_options.SpoolBytes == 0 || _options.DataFolder.Length == 0)
        {
            _spoolFailed = true;
            return;
        }

        try
        {
            var spool = Spool.Open(_options.DataFolder, _options.SpoolBytes);
            _spool = spool;
            _replayer = Task.Run(() => ReplayAsync(spool));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _spoolFailed = true;
            LogSpool(_logger, _options.DataFolder, e.GetType().Name);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "A record could not be written and was dropped: {Reason}")]
    private static partial void LogUnwritable(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The folder '{Folder}' cannot hold records while the server is away: {Reason}")]
    private static partial void LogSpool(ILogger logger, string folder, string reason);
}
