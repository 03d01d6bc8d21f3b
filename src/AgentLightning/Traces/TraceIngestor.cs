using AgentLightning.Common;
using AgentLightning.Governance;
using AgentLightning.Traces.Otlp;
using AgentLightning.Traces.Reading;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Traces;

/// <summary>
/// Takes in spans and log records: the caller's thread reads and redacts them, one writer commits those of many requests together. A
/// request is done when what it brought is on disk.
/// </summary>
/// <remarks>Any thread may call. Disposal writes what is queued.</remarks>
public sealed partial class TraceIngestor : IAsyncDisposable
{
    private readonly ITraceStore _store;
    private readonly Redactor _redactor;
    private readonly TraceOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly GroupQueue<Entry, bool> _queue;
    private readonly HashSet<(string, string)> _senders = [];
    private readonly HashSet<string> _unread = [];
    private volatile TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _queuedBytes;

    public TraceIngestor(ITraceStore store, Redactor redactor, TraceOptions options, TimeProvider time, ILogger<TraceIngestor> logger)
    {
        options.Validate();
        (_store, _redactor, _options, _time, _logger) = (store, redactor, options, time, logger);
        Fresh = new FreshTraces(options);
        _queue = new(new Storing(this), new GroupQueueOptions { GroupSize = options.GroupSize }, time);
    }

    /// <summary>Bytes of requests that are on their way to the disk.</summary>
    public long QueuedBytes => Interlocked.Read(ref _queuedBytes);

    /// <summary>Completes when the next spans are on disk.</summary>
    internal Task Arrival => _arrived.Task;

    /// <summary>The spans that were written and not yet read.</summary>
    internal FreshTraces Fresh { get; }

    /// <summary>
    /// Takes in one request. What is wrong with single spans is told in the result, and the others are stored. A body that cannot be read
    /// throws <see cref="OtlpFormatException"/>, and nothing is stored.
    /// </summary>
    /// <param name="mayWrite">Says of an agent whether the sender may write its spans; null when all may be written. Asked before anything
    /// is stored.</param>
    internal async Task<OtlpResult> IngestAsync(
        ReadOnlyMemory<byte> body,
        OtlpEncoding encoding,
        SpanForm form,
        Func<string, bool>? mayWrite,
        CancellationToken cancellationToken
    )
    {
        Interlocked.Add(ref _queuedBytes, body.Length);
        try
        {
            return await ReadAsync(body, encoding, form, mayWrite, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Add(ref _queuedBytes, -body.Length);
        }
    }

    private async Task<OtlpResult> ReadAsync(
        ReadOnlyMemory<byte> body,
        OtlpEncoding encoding,
        SpanForm form,
        Func<string, bool>? mayWrite,
        CancellationToken cancellationToken
    )
    {
        var now = Clock();
        using var batch = new OtlpBatch(body.Length);
        if (encoding == OtlpEncoding.Json)
        {
            OtlpJson.Read(body, form, batch);
        }
        else
        {
            OtlpProtobuf.Read(body.Span, form, batch);
        }

        var redaction = new BatchRedaction(batch, _redactor, _options, now);
        var allowed = redaction.Allowed(mayWrite);
        if (mayWrite is not null)
        {
            await RefuseOthersTracesAsync(batch, allowed, mayWrite, cancellationToken).ConfigureAwait(false);
        }

        var records = new List<SpanRecord>(allowed.Count);
        foreach (var (draft, agent) in allowed)
        {
            records.Add(redaction.RecordOf(draft, agent));
        }

        var counts = CountsOf(batch, allowed, now);
        if (records.Count > 0 || counts.Count > 0)
        {
            try
            {
                await WriteAsync(records, counts, cancellationToken).ConfigureAwait(false);
            }
            catch (LightningException e) when (e.Kind == ErrorKind.Unavailable)
            {
                return new OtlpResult(OtlpOutcome.Busy, 0, 0, _redactor.Redact(e.Message));
            }
        }

        return new OtlpResult(OtlpOutcome.Stored, records.Count, batch.Refused.Count, MessageOf(batch));
    }

    /// <summary>Counts a request that was refused whole. That it cannot be counted does not fail the answer.</summary>
    internal async Task CountRefusalAsync(string why, CancellationToken cancellationToken)
    {
        try
        {
            await WriteAsync([], [new TraceCount("", "", TraceCounts.Rejected + why, 1, Clock(), Clock())], cancellationToken)
                .ConfigureAwait(false);
        }
        catch (LightningException e)
        {
            LogNotCounted(_logger, _redactor.Redact(e.Message));
        }
    }

    /// <summary>What was found when a trace was read, under names that may be stored and whose number is bounded.</summary>
    internal List<TraceCount> CountsOf(IEnumerable<TraceFinding> findings)
    {
        var now = Clock();
        return
        [
            .. findings
                .Select(finding => Named(new TraceCount(finding.Service, finding.Scope, finding.What, finding.Count, now, now)))
                .Where(IsTold)
                .GroupBy(count => (count.Service, count.Scope, count.What))
                .Select(same => same.First() with { Count = same.Sum(count => count.Count) }),
        ];
    }

    public ValueTask DisposeAsync() => _queue.DisposeAsync();

    private void TellArrival()
    {
        var arrived = _arrived;
        _arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        arrived.SetResult();
    }

    private DateTimeOffset Clock()
    {
        // As it will be read back: whole microseconds.
        var now = _time.GetUtcNow();
        return new DateTimeOffset(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
    }

    /// <summary>A trace that another agent began is not to be changed by who may not write for that agent.</summary>
    private async Task RefuseOthersTracesAsync(
        OtlpBatch batch,
        List<(SpanDraft Draft, string Agent)> allowed,
        Func<string, bool> mayWrite,
        CancellationToken cancellationToken
    )
    {
        var known = await _store
            .AgentsAsync([.. allowed.Select(span => span.Draft.TraceId!).Distinct()], cancellationToken)
            .ConfigureAwait(false);
        batch.Refused.AddRange(
            allowed
                .Where(IsOfAnother)
                .Select(span => (span.Draft.Sender, "the trace belongs to an agent that the key does not let its holder write for"))
        );
        allowed.RemoveAll(IsOfAnother);

        bool IsOfAnother((SpanDraft Draft, string Agent) span) => known.TryGetValue(span.Draft.TraceId!, out var agent) && !mayWrite(agent);
    }

    private List<TraceCount> CountsOf(OtlpBatch batch, List<(SpanDraft Draft, string Agent)> allowed, DateTimeOffset now)
    {
        var seen = allowed
            .GroupBy(span => (span.Draft.Sender, span.Draft.Form, span.Draft.Marks))
            .SelectMany(alike =>
                TraceCounts
                    .Of(alike.First().Draft)
                    .Select(what => (alike.Key.Sender.Service, alike.Key.Sender.Scope, what, (long)alike.Count()))
            )
            .Concat(
                batch.Refused.Select(refused => (refused.Sender.Service, refused.Sender.Scope, TraceCounts.Rejected + refused.Reason, 1L))
            )
            .Concat(
                batch.Ignored.Select(ignored => (ignored.Key.Service, ignored.Key.Scope, TraceCounts.IgnoredLogs, (long)ignored.Value))
            );
        return TraceCounts.Of(seen, now).ConvertAll(Named);
    }

    private TraceCount Named(TraceCount count)
    {
        var sender = (BatchRedaction.NameOf(count.Service, _redactor), BatchRedaction.NameOf(count.Scope, _redactor));
        lock (_senders)
        {
            var isTold = _senders.Contains(sender) || (_senders.Count < TraceCounts.MostSenders && _senders.Add(sender));
            return isTold
                ? count with
                {
                    Service = sender.Item1,
                    Scope = sender.Item2,
                }
                : count with
                {
                    Service = TraceCounts.Others,
                    Scope = TraceCounts.Others,
                };
        }
    }

    /// <summary>Names of attributes come from outside too.</summary>
    private bool IsTold(TraceCount count)
    {
        if (!count.What.StartsWith(TraceCounts.NotRead, StringComparison.Ordinal))
        {
            return true;
        }

        lock (_senders)
        {
            return _unread.Contains(count.What) || (_unread.Count < TraceCounts.MostUnread && _unread.Add(count.What));
        }
    }

    private static string? MessageOf(OtlpBatch batch) =>
        batch.Refused.Count == 0
            ? null
            : string.Join(
                "; ",
                batch
                    .Refused.GroupBy(refused => refused.Reason)
                    .OrderByDescending(group => group.Count())
                    .Take(5)
                    .Select(group => $"{group.Count()} refused: {group.Key}")
            );

    private async Task WriteAsync(List<SpanRecord> spans, List<TraceCount> counts, CancellationToken cancellationToken)
    {
        try
        {
            // Not called back: what is queued is written, and the room that it takes is given back only then.
            await _queue.DoAsync(new Entry(spans, counts), CancellationToken.None).ConfigureAwait(false);
        }
        catch (ObjectDisposedException) when (_queue.IsClosed)
        {
            throw new LightningException(ErrorKind.Unavailable, "The server is shutting down. Send the request again.");
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "A group of {Count} requests was refused by the store and is tried one by one: {Reason}"
    )]
    private static partial void LogRetry(ILogger logger, int count, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A refused request could not be counted: {Reason}")]
    private static partial void LogNotCounted(ILogger logger, string reason);

    /// <summary>What one request brought.</summary>
    private readonly record struct Entry(List<SpanRecord> Spans, List<TraceCount> Counts);

    /// <summary>
    /// A group that the store refuses for what is in it is tried once more, request by request, so that one does not take the others with
    /// it.
    /// </summary>
    private sealed class Storing(TraceIngestor ingestor) : IGroupWork<Entry, bool>
    {
        public int WeightOf(Entry item) => Math.Max(1, item.Spans.Count);

        public async Task RunAsync(ItemGroup<Entry, bool> group)
        {
            List<SpanRecord> spans = group.Count == 1 ? group.Items[0].Spans : [.. group.Items.SelectMany(entry => entry.Spans)];
            var counts = group
                .Items.SelectMany(entry => entry.Counts)
                .GroupBy(count => (count.Service, count.Scope, count.What))
                .Select(same => same.First() with { Count = same.Sum(count => count.Count), LastAt = same.Max(count => count.LastAt) });
            try
            {
                await ingestor._store.AddAsync(spans, [.. counts], ingestor._options, CancellationToken.None).ConfigureAwait(false);
                ingestor.Fresh.Add(spans);
            }
            catch
            {
                ingestor.Fresh.Forget(spans);
                throw;
            }

            group.Complete(true);
            ingestor.TellArrival();
        }

        public bool IsOfOneItem(Exception failure) => failure is not LightningException { Kind: ErrorKind.Unavailable };

        public void Divided(Exception failure, int count) => LogRetry(ingestor._logger, count, ingestor._redactor.Redact(failure.Message));
    }
}
