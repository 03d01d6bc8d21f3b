namespace AgentLightning.Traces;

/// <summary>
/// What was received by OpenTelemetry since <paramref name="Since"/>, and what it lacks. Counted in the store, over restarts.
/// </summary>
/// <param name="Since">When the first thing was received; null when nothing ever was.</param>
/// <param name="StoredSpans">Spans and log records in the store now.</param>
/// <param name="PendingTraces">Traces that wait for their episode to be read.</param>
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
    FailedTraces Failed,
    IReadOnlyList<string> Findings
);

/// <summary>Why something was refused, and how often.</summary>
public sealed record TraceRefusal(string Service, string Scope, string Reason, long Count, DateTimeOffset LastAt);

/// <summary>One sender: a service and one of its instrumentations.</summary>
/// <param name="Missing">What its calls of models lack, with the number of calls: <c>content</c>, <c>model</c>, <c>usage</c>,
/// <c>session</c>; and <c>genai</c> when no span is of GenAI or OpenInference.</param>
public sealed record TraceSource(
    string Service,
    string Scope,
    long Spans,
    long Logs,
    long IgnoredLogs,
    long GenaiSpans,
    long InferenceSpans,
    IReadOnlyDictionary<string, long> Missing,
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
            failed,
            [.. TraceAdvice.Of(sources, refused), .. TraceAdvice.Of(failed)]
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
            counts.Min(count => count.FirstAt),
            counts.Max(count => count.LastAt)
        );

        long Count(string what) => counts.Where(count => count.What == what).Sum(count => count.Count);
    }
}
