using AgentLightning.Access;
using AgentLightning.Audit;
using AgentLightning.Common;
using AgentLightning.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Audit;

/// <summary>A page of the audit log.</summary>
public sealed record AuditListResponse(int EntriesFound, IReadOnlyList<AuditEntry> Entries);

/// <summary>Who did what. A key for some agents sees the entries about these.</summary>
internal static class AuditEndpoints
{
    public static void MapAudit(this IEndpointRouteBuilder routes) =>
        routes
            .MapGet("/audit", ListAsync)
            .WithSummary("Who changed what, newest first; 'before' takes the last id of a page and gives the next.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Admin);

    private static async Task<AuditListResponse> ListAsync(
        ListAuditEntries audit,
        Scope scope,
        CancellationToken cancellationToken,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        string? action = null,
        [FromQuery(Name = "start_date")] string? startDate = null,
        [FromQuery(Name = "end_date")] string? endDate = null,
        int limit = 50,
        string? before = null
    )
    {
        var entries = await audit.ExecuteAsync(
            scope,
            new AuditRequest(agentId, action, IsoTime.Start(startDate, "start_date"), IsoTime.End(endDate, "end_date"), limit, before),
            cancellationToken
        );
        return new AuditListResponse(entries.Count, entries);
    }
}
