using AgentLightning.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Health;

/// <summary>The answer of <c>/health</c>.</summary>
public sealed record HealthResponse(string Status, DateTimeOffset Timestamp);

internal static class HealthEndpoints
{
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes
            .MapGet("/health", (TimeProvider time) => new HealthResponse("healthy", time.GetUtcNow()))
            .WithSummary("Whether the process is alive.")
            .OpenToAll()
            .DisableRateLimiting();
        routes
            .MapGet("/health/ready", ReadyAsync)
            .WithSummary("Whether the server can do its work now, with each check; 503 when it cannot, and while it ends.")
            .Produces<ReadyResponse>(StatusCodes.Status503ServiceUnavailable)
            .OpenToAll()
            .DisableRateLimiting();
    }

    private static async Task<JsonHttpResult<ReadyResponse>> ReadyAsync(
        Readiness readiness,
        HttpResponse response,
        CancellationToken cancellationToken
    )
    {
        var ready = await readiness.CheckAsync(cancellationToken);
        if (ready.Status == "healthy")
        {
            return TypedResults.Json(ready);
        }

        response.Headers.RetryAfter = "1";
        return TypedResults.Json(ready, statusCode: StatusCodes.Status503ServiceUnavailable);
    }
}
