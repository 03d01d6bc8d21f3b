using AgentLightning.Traces.Dialects;

namespace AgentLightning.Traces;

/// <summary>
/// What was received by OpenTelemetry since <paramref name="Since"/>, and what it lacks. Counted in the store, over restarts.
/// </summary>
/// <param name="Since">When the first thing was received; null when nothing ever was.</param>
/// <param name="StoredSpans">Spans and log records in the store now.</param>
/// <param name="PendingTraces">Traces that wait for their episode to be read.</param>
/// <param name="NotRead">Attributes that hold text which nobody reads, on spans of traces whose episodes lack a text.</param>
/// <param name="Dialects">The dialects that are read, for people.</param>
/// <param name="Failed">Traces whose episode could not be read or stored, with the reason of the newest.</param>
/// <param name="Findings">What is wrong and how to mend it, for people; empty when nothing is.</param>
public sealed record TraceReport(
    DateTimeOffset? Since,
    DateTimeOffset? LastAt,
    long StoredSpans,
    long PendingTraces,
    long Duplicates,
    long Conflicts,
    IReadOnlyList<TraceRefusal> Rejected,
    IReadOnlyList<TraceSource> Sources,
    IReadOnlyList<UnreadText> NotRead,
    IReadOnlyList<string> Dialects,
    FailedTraces Failed,
    IReadOnlyList<string> Findings
);

/// <summary>Text that came and that is in no episode.</summary>
/// <param name="Attribute">The attribute that holds it; of an event, after the event's name and a colon.</param>
/// <param name="Count">On how many spans.</param>
public sealed record UnreadText(string Service, string Scope, string Attribute, long Count, DateTimeOffset LastAt);

/// <summary>Why something was refused, and how often.</summary>
public sealed record TraceRefusal(string Service, string Scope, string Reason, long Count, DateTimeOffset LastAt);

/// <summary>One sender: a service and one of its instrumentations.</summary>
/// <param name="Missing">What its calls of models lack, with the number of calls: <c>content</c>, <c>model</c>, <c>usage</c>,
/// <c>session</c>; and <c>genai</c> when no span is of GenAI, OpenInference or a framework that is known. Until a trace is read, each of
/// its spans is judged by itself: what log records and other spans tell counts when it is read.</param>
/// <param name="Dialects">In which dialects its spans' texts were read, with the number of spans.</param>
public sealed record TraceSource(
    string Service,
    string Scope,
    long Spans,
    long Logs,
    long IgnoredLogs,
    long GenaiSpans,
    long InferenceSpans,
    IReadOnlyDictionary<string, long> Missing,
    IReadOnlyDictionary<string, long> Dialects,
    DateTimeOffset FirstAt,
    DateTimeOffset LastAt
);

/// <summary>Answers "why is my trace empty?".</summary>
public sealed class TraceDiagnostics(ITraceStore store)
{
    private const int MostFailed = 20;

    public async Task<TraceReport> ReadAsync(CancellationToken cancellationToken)
    {
        var counts = await store.CountsAsync(cancellationToken).ConfigureAwait(false);
        List<TraceRefusal> refused =
        [
            .. counts
                .Where(count => count.What.StartsWith(TraceCounts.Rejected, StringComparison.Ordinal))
                .OrderByDescending(count => count.Count)
                .Select(count => new TraceRefusal(
                    count.Service,
                    count.Scope,
                    count.What[TraceCounts.Rejected.Length..],
                    count.Count,
                    count.LastAt
                )),
        ];
        List<TraceSource> sources =
        [
            .. counts
                .Where(count => count.What is TraceCounts.Spans or TraceCounts.Logs or TraceCounts.IgnoredLogs)
                .GroupBy(count => (count.Service, count.Scope))
                .Select(group => SourceOf([.. counts.Where(count => (count.Service, count.Scope) == group.Key)]))
                .OrderByDescending(source => source.LastAt),
        ];
        List<UnreadText> unread =
        [
            .. counts
                .Where(count => count.What.StartsWith(TraceCounts.NotRead, StringComparison.Ordinal) && count.Count > 0)
                .OrderByDescending(count => count.Count)
                .Select(count => new UnreadText(
                    count.Service,
                    count.Scope,
                    count.What[TraceCounts.NotRead.Length..],
                    count.Count,
                    count.LastAt
                )),
        ];
        var failed = await store.FailedAsync(MostFailed, cancellationToken).ConfigureAwait(false);
        return new TraceReport(
            counts.Count == 0 ? null : counts.Min(count => count.FirstAt),
            counts.Count == 0 ? null : counts.Max(count => count.LastAt),
            await store.CountAsync(cancellationToken).ConfigureAwait(false),
            await store.CountPendingAsync(cancellationToken).ConfigureAwait(false),
            Sum(TraceCounts.Duplicates),
            Sum(TraceCounts.Conflicts),
            refused,
            sources,
            unread,
            [.. TraceDialects.All.Select(dialect => dialect.Name)],
            failed,
            [.. TraceAdvice.Of(sources, refused, unread), .. TraceAdvice.Of(failed)]
        );

        long Sum(string what) => counts.Where(count => count.What == what).Sum(count => count.Count);
    }

    private static TraceSource SourceOf(List<TraceCount> counts)
    {
        var missing = new Dictionary<string, long>();
        foreach (
            var (name, what) in new[]
            {
                ("content", TraceCounts.NoContent),
                ("model", TraceCounts.NoModel),
                ("usage", TraceCounts.NoUsage),
                ("session", TraceCounts.NoSession),
            }
        )
        {
            if (Count(what) is > 0 and var count)
            {
                missing[name] = count;
            }
        }

        if (Count(TraceCounts.Spans) is > 0 and var spans && Count(TraceCounts.Known) == 0)
        {
            missing["genai"] = spans;
        }

        return new TraceSource(
            counts[0].Service,
            counts[0].Scope,
            Count(TraceCounts.Spans),
            Count(TraceCounts.Logs),
            Count(TraceCounts.IgnoredLogs),
            Count(TraceCounts.Known),
            Count(TraceCounts.Inference),
            missing,
            counts
                .Where(count => count.What.StartsWith(TraceCounts.Dialect, StringComparison.Ordinal) && count.Count > 0)
                .ToDictionary(count => count.What[TraceCounts.Dialect.Length..], count => count.Count),
            counts.Min(count => count.FirstAt),
            counts.Max(count => count.LastAt)
        );

        // Less than none is a trace that was read after its counts had been lost with a sender's name.
        long Count(string what) => Math.Max(0, counts.Where(count => count.What == what).Sum(count => count.Count));
    }
}
