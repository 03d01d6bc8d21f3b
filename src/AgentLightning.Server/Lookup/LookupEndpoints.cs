using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Lookup;
using AgentLightning.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Lookup;

/// <summary>The whole id of a record.</summary>
/// <param name="Kind"><c>episode</c>, <c>reward</c>, <c>feedback</c>, <c>dataset</c>, <c>training_run</c>, ….</param>
public sealed record IdResponse(string Kind, string Id);

internal static class LookupEndpoints
{
    public static void MapLookup(this IEndpointRouteBuilder routes) =>
        routes
            .MapGet("/ids", FindAsync)
            .WithSummary("The whole id of which 'id' is a part: its beginning, or its beginning and its end with '..' between.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .RequiresRole(Role.Read);

    private static async Task<IdResponse> FindAsync(FindId ids, Scope scope, string? kind, string? id, CancellationToken cancellationToken)
    {
        var found = await ids.ExecuteAsync(scope, EnumText.Parse<RecordKind>(kind, "kind"), Ids.Check(id, "id"), cancellationToken);
        return new IdResponse(kind!, found);
    }
}
