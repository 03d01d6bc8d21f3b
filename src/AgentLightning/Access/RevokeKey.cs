using AgentLightning.Audit;
using AgentLightning.Common;
using AgentLightning.Governance;
using AgentLightning.Storage;

namespace AgentLightning.Access;

/// <summary>Takes a key back. That is in the audit log.</summary>
public sealed class RevokeKey(IApiKeyStore keys, AuditTrail audit, Redactor redactor, TimeProvider time) : IOperation
{
    /// <summary>
    /// Revokes a key; servers let it in for at most another second. One that is revoked already stays as it is. Asks for the role admin
    /// for all agents. An unknown id is <see cref="ErrorKind.NotFound"/>.
    /// </summary>
    public async Task<ApiKey> ExecuteAsync(Scope scope, string id, CancellationToken cancellationToken)
    {
        scope.RequireAllAgents(Role.Admin);
        if (await keys.FindAsync(id, cancellationToken).ConfigureAwait(false) is not { } found)
        {
            throw LightningException.NotFound(
                $"Key {redactor.Redact(id)} not found. 'lightning keys list' shows the ids; the id is the part of the key between its two "
                    + $"underscores."
            );
        }

        if (found.Key.RevokedAt is null)
        {
            await keys.RevokeAsync(id, time.GetUtcNow().Rounded(), cancellationToken).ConfigureAwait(false);
            await audit
                .RecordAsync(AuditAction.KeyRevoked, id, null, scope.Actor, new Dictionary<string, string> { ["name"] = found.Key.Name })
                .ConfigureAwait(false);
        }

        return (await keys.FindAsync(id, cancellationToken).ConfigureAwait(false))!.Key;
    }
}
