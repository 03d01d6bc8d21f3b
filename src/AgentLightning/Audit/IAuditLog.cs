namespace AgentLightning.Audit;

/// <summary>Which entries to list. All parts are optional and hold together.</summary>
/// <param name="Agents">Only entries about one of these agents; null for all entries, also those about no agent.</param>
/// <param name="Start">From this time on.</param>
/// <param name="End">Before this time.</param>
/// <param name="Limit">1…1,000.</param>
/// <param name="Before">The cursor that ended the page before, see <see cref="AgentLightning.Common.PageCursor"/>, or the id of an entry:
/// only older ones follow. Stable while new entries arrive; a cursor also when its entry is gone.</param>
public sealed record AuditQuery(
    IReadOnlyList<string>? Agents = null,
    AuditAction? Action = null,
    DateTimeOffset? Start = null,
    DateTimeOffset? End = null,
    int Limit = 50,
    string? Before = null
);

/// <summary>Keeps audit entries. A call that returned is on disk.</summary>
public interface IAuditLog
{
    /// <summary>Stores entries in one transaction. An id that is already there is left as it was.</summary>
    Task AppendAsync(IReadOnlyList<AuditEntry> entries, CancellationToken cancellationToken);

    /// <summary>
    /// Entries, newest first. An id in <see cref="AuditQuery.Before"/> that the query could not have listed is an error, as one that does
    /// not exist.
    /// </summary>
    Task<IReadOnlyList<AuditEntry>> ListAsync(AuditQuery query, CancellationToken cancellationToken);
}
