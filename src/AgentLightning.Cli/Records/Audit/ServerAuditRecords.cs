using AgentLightning.Access;
using AgentLightning.Server.Audit;

namespace AgentLightning.Cli.Records.Audit;

internal sealed class ServerAuditRecords(ServerConnection server) : IAuditRecords
{
    public Task<AuditListResponse> ListAsync(AuditRequest request, CancellationToken cancellationToken)
    {
        var parts = ServerQuery.Of(
            ("agent_id", request.AgentId),
            ("action", request.Action),
            ("start_date", ServerQuery.Text(request.Start)),
            ("end_date", ServerQuery.Text(request.End)),
            ("before", request.Before)
        );
        return server.GetAsync<AuditListResponse>($"audit?{parts}&limit={request.Limit}", cancellationToken);
    }
}
