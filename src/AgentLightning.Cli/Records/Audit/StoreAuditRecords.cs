using AgentLightning.Access;
using AgentLightning.Cli.Commands;
using AgentLightning.Server.Audit;

namespace AgentLightning.Cli.Records.Audit;

internal sealed class StoreAuditRecords(Workspace workspace, Scope scope) : IAuditRecords
{
    public async Task<AuditListResponse> ListAsync(AuditRequest request, CancellationToken cancellationToken)
    {
        var entries = await workspace.Get<ListAuditEntries>().ExecuteAsync(scope, request, cancellationToken);
        return AuditListResponse.Of(entries, request.Limit);
    }
}
