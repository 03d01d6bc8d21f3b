namespace AgentLightning.Traces;

/// <summary>How often something was seen of one sender.</summary>
/// <param name="Service">The resource's <c>service.name</c>; empty when it gave none.</param>
/// <param name="Scope">The name of the instrumentation; empty when it gave none.</param>
/// <param name="What">What is counted, see <see cref="TraceCounts"/>.</param>
public sealed record TraceCount(string Service, string Scope, string What, long Count, DateTimeOffset FirstAt, DateTimeOffset LastAt);

/// <summary>Spans that were not there, that were there already, and that were there with other content: of those the first stays.</summary>
public sealed record TraceWriteResult(int Added, int Duplicates, int Conflicts);

/// <summary>A trace whose episode is to be read.</summary>
/// <param name="DueAt">Since when; a span that comes later moves it.</param>
/// <param name="EpisodeId">The episode that was read out of it before; null the first time.</param>
/// <param name="FirstAt">When it began to arrive.</param>
/// <param name="Writes">How many writes brought spans of it.</param>
public sealed record DueTrace(string TraceId, DateTimeOffset DueAt, string? EpisodeId, DateTimeOffset FirstAt, long Writes);

/// <summary>A trace that was read.</summary>
/// <param name="EpisodeId">The episode in it, or that it tells of; null when there is none.</param>
/// <param name="Again">When it is to be read again, though nothing comes; null for not at all.</param>
/// <param name="Failure">Why it has no episode though it may tell of one, without anything secret; null when all is well.</param>
/// <param name="Findings">What was found in the whole of it; in the place of what an earlier reading found. Counts may be negative.</param>
public sealed record AssembledTrace(
    DueTrace Trace,
    string? EpisodeId,
    DateTimeOffset? Again = null,
    string? Failure = null,
    IReadOnlyList<TraceCount>? Findings = null
);

/// <summary>A trace whose episode could not be read or stored. Its spans are kept, and it is read again when others come.</summary>
public sealed record FailedTrace(string TraceId, string AgentId, string Reason, DateTimeOffset LastAt);

/// <summary>How many traces failed, and the newest of them.</summary>
public sealed record FailedTraces(long Count, IReadOnlyList<FailedTrace> Newest);

/// <summary>Keeps spans, and knows which traces wait for their episode to be read. A call that returned is on disk.</summary>
public interface ITraceStore
{
    /// <summary>
    /// Stores spans and counts in one transaction. A span whose trace and id are there already is left as it was.
    /// <paramref name="options"/> say when the traces are due.
    /// </summary>
    Task<TraceWriteResult> AddAsync(
        IReadOnlyList<SpanRecord> spans,
        IReadOnlyList<TraceCount> counts,
        TraceOptions options,
        CancellationToken cancellationToken
    );

    /// <summary>Traces whose episode is due at <paramref name="now"/>, longest due first.</summary>
    Task<IReadOnlyList<DueTrace>> DueAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Notes what was read, and counts what was found, in one transaction. A trace to which spans came in the meantime stays due.
    /// </summary>
    Task MarkReadAsync(IReadOnlyList<AssembledTrace> readings, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>The first <paramref name="limit"/> spans and log records of a trace, earliest first; empty when it is unknown.</summary>
    Task<IReadOnlyList<SpanRecord>> SpansAsync(string traceId, int limit, CancellationToken cancellationToken);

    /// <summary>The agents of those of the traces that are known.</summary>
    Task<IReadOnlyDictionary<string, string>> AgentsAsync(IReadOnlyList<string> traceIds, CancellationToken cancellationToken);

    /// <summary>How many spans and log records there are, counted by the database.</summary>
    Task<long> CountAsync(CancellationToken cancellationToken);

    /// <summary>How many traces wait to be read.</summary>
    Task<long> CountPendingAsync(CancellationToken cancellationToken);

    /// <summary>The traces whose last reading failed, and the newest <paramref name="limit"/> of them.</summary>
    Task<FailedTraces> FailedAsync(int limit, CancellationToken cancellationToken);

    /// <summary>Deletes a trace with its spans, but not the episode that was read out of it. False when it is unknown.</summary>
    Task<bool> DeleteAsync(string traceId, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes traces that began to arrive before a moment, at most <paramref name="limit"/> of them. Gives how many; fewer than the limit
    /// means that none is left.
    /// </summary>
    Task<int> DeleteBeforeAsync(DateTimeOffset moment, int limit, CancellationToken cancellationToken);

    /// <summary>The same for the bodies of the spans only.</summary>
    Task<int> DeletePayloadsBeforeAsync(DateTimeOffset moment, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes the bodies of the spans that these episodes, at most 1,000, were read out of. The traces are not read again.
    /// </summary>
    Task DeletePayloadsOfAsync(IReadOnlyList<string> episodeIds, CancellationToken cancellationToken);

    /// <summary>All counts.</summary>
    Task<IReadOnlyList<TraceCount>> CountsAsync(CancellationToken cancellationToken);
}
