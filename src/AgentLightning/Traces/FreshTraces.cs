namespace AgentLightning.Traces;

/// <summary>
/// Keeps the spans that this process has just written until their episode is read, so that they need not be read back. The store decides
/// whether they are all: a trace to which anybody else wrote as well is read from there.
/// </summary>
/// <remarks>Any thread may call.</remarks>
internal sealed class FreshTraces(TraceOptions options)
{
    /// <summary>About what a span takes beside its body.</summary>
    private const int BytesOfRecord = 600;

    /// <summary>A trace that is not read so long after it was due is read by another server.</summary>
    private static readonly TimeSpan s_overdue = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedListNode<Entry>> _entries = new(StringComparer.Ordinal);
    private readonly LinkedList<Entry> _oldestFirst = [];

    /// <summary>Bytes of the spans that are kept.</summary>
    public long Bytes { get; private set; }

    /// <summary>Keeps the spans of one write that is on disk, as far as there is room.</summary>
    public void Add(IReadOnlyList<SpanRecord> written)
    {
        lock (_lock)
        {
            foreach (var trace in written.GroupBy(span => span.TraceId))
            {
                var at = trace.Max(span => span.ReceivedAt);
                DropOverdue(at);
                var bytes = trace.Sum(span => (long)(span.Body.Length + BytesOfRecord));
                if (Bytes + bytes > options.FreshBytes)
                {
                    Remove(trace.Key);
                    continue;
                }

                if (!_entries.TryGetValue(trace.Key, out var node))
                {
                    _entries[trace.Key] = node = _oldestFirst.AddLast(new Entry(trace.Key, at));
                }

                node.Value.Spans.AddRange(trace);
                node.Value.Writes++;
                node.Value.Bytes += bytes;
                Bytes += bytes;
            }
        }
    }

    /// <summary>Drops the traces of a write of which nobody knows whether it is on disk.</summary>
    public void Forget(IReadOnlyList<SpanRecord> unknown)
    {
        lock (_lock)
        {
            foreach (var span in unknown)
            {
                Remove(span.TraceId);
            }
        }
    }

    /// <summary>
    /// The spans of a trace as the store has them, which are no longer kept then; null when it may have others, or what was not kept.
    /// </summary>
    public IReadOnlyList<SpanRecord>? Take(DueTrace trace)
    {
        lock (_lock)
        {
            if (Remove(trace.TraceId) is not { } entry || entry.Writes != trace.Writes || entry.FirstAt != trace.FirstAt)
            {
                return null;
            }

            // Of those with one id, the first stays.
            List<SpanRecord> spans = [.. entry.Spans.DistinctBy(span => span.SpanId, StringComparer.Ordinal)];
            return spans.Count <= options.MostSpans ? spans : null;
        }
    }

    private void DropOverdue(DateTimeOffset now)
    {
        while (_oldestFirst.First is { } oldest && now - oldest.Value.FirstAt > options.LongestOpen + options.Quiet + s_overdue)
        {
            Remove(oldest.Value.TraceId);
        }
    }

    private Entry? Remove(string traceId)
    {
        if (!_entries.Remove(traceId, out var node))
        {
            return null;
        }

        _oldestFirst.Remove(node);
        Bytes -= node.Value.Bytes;
        return node.Value;
    }

    private sealed class Entry(string traceId, DateTimeOffset firstAt)
    {
        public string TraceId => traceId;

        /// <summary>As the store notes it of the first write.</summary>
        public DateTimeOffset FirstAt => firstAt;

        public List<SpanRecord> Spans { get; } = [];

        /// <summary>How often this process wrote to the trace.</summary>
        public long Writes { get; set; }

        public long Bytes { get; set; }
    }
}
