using AgentLightning.Audit;
using AgentLightning.Common;

namespace AgentLightning.Access;

/// <summary>Which entries of the audit log to list. All parts are optional and hold together.</summary>
/// <param name="AgentId">Only entries about this agent.</param>
/// <param name="Action">Only entries of this kind, by its word: <c>key_created</c>, <c>promoted</c>, ….</param>
/// <param name="Start">From this time on.</param>
/// <param name="End">Before this time.</param>
/// <param name="Limit">1…1,000; 50 by default.</param>
/// <param name="Before">The id of an entry: only older ones follow.</param>
public sealed record AuditRequest(
    string? AgentId = null,
    string? Action = null,
    DateTimeOffset? Start = null,
    DateTimeOffset? End = null,
    int Limit = 50,
    string? Before = null
);

/// <summary>
/// Lists who did what. It is here and not beside the log because the log knows nothing of scopes: whoever makes a key writes into it.
/// </summary>
public sealed class ListAuditEntries(IAuditLog log) : IOperation
{
    /// <summary>
    /// Entries, newest first; a scope of some agents sees those about these. Asks for the role admin. An unknown action is
    /// <see cref="ErrorKind.Invalid"/>.
    /// </summary>
    public Task<IReadOnlyList<AuditEntry>> ExecuteAsync(Scope scope, AuditRequest request, CancellationToken cancellationToken)
    {
        scope.Require(Role.Admin);
        return log.ListAsync(
            new AuditQuery(
                scope.Named(request.AgentId) is { } named ? [named] : scope.Agents,
                request.Action is null ? null : EnumText.Parse<AuditAction>(request.Action, "action"),
                request.Start,
                request.End,
                request.Limit,
                request.Before
            ),
            cancellationToken
        );
    }
}
