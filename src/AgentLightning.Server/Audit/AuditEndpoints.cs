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
/// <param name="Next">Give it as <c>before</c> for the page that follows; null on the last.</param>
public sealed record AuditListResponse(int EntriesFound, IReadOnlyList<AuditEntry> Entries, string? Next)
{
    /// <summary>The page, and where the next one begins.</summary>
    public static AuditListResponse Of(IReadOnlyList<AuditEntry> entries, int limit)
    {
        var page = ListPage.Of(entries, limit, entry => PageCursor.After(entry.At, entry.Id));
        return new AuditListResponse(page.Items.Count, page.Items, page.Next);
    }
}

/// <summary>Who did what. A key for some agents sees the entries about these.</summary>
internal static class AuditEndpoints
{
    public static void MapAudit(this IEndpointRouteBuilder routes) =>
        routes
            .MapGet("/audit", ListAsync)
            .WithSummary("Who changed what, newest first; 'before' takes 'next' of a page and gives the one that follows.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Admin);

    private static async Task<AuditListResponse> ListAsync(
        ListAuditEntries audit,
        Scope scope,
        [FromQuery(Name = "agent_id")] string? agentId = null,
        string? action = null,
        [FromQuery(Name = "start_date")] string? startDate = null,
        [FromQuery(Name = "end_date")] string? endDate = null,
        int limit = 50,
        string? before = null,
        CancellationToken cancellationToken = default
    )
    {
        var entries = await audit.ExecuteAsync(
            scope,
            new AuditRequest(agentId, action, IsoTime.Start(startDate, "start_date"), IsoTime.End(endDate, "end_date"), limit, before),
            cancellationToken
        );
        return AuditListResponse.Of(entries, limit);
    }
}
