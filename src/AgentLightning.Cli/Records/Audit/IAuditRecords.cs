using AgentLightning.Access;
using AgentLightning.Server.Audit;

namespace AgentLightning.Cli.Records.Audit;

/// <summary>Who did what.</summary>
internal interface IAuditRecords
{
    Task<AuditListResponse> ListAsync(AuditRequest request, CancellationToken cancellationToken);
}
