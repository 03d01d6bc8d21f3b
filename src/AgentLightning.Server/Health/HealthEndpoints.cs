using AgentLightning.Access;
using AgentLightning.Health;
using AgentLightning.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Health;

internal static class HealthEndpoints
{
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes
            .MapGet("/health", (CheckHealth health, Scope scope, CancellationToken cancellationToken) =>
                health.LiveAsync(scope, cancellationToken)
            )
            .WithSummary("Whether the process is alive.")
            .OpenToAll()
            .DisableRateLimiting();
        routes
            .MapGet("/health/ready", ReadyAsync)
            .WithSummary("Whether the server can do its work now, with each check; 503 when it cannot, and while it ends.")
            .Produces<HealthReport>(StatusCodes.Status503ServiceUnavailable)
            .OpenToAll()
            .DisableRateLimiting();
    }

    private static async Task<JsonHttpResult<HealthReport>> ReadyAsync(
        CheckHealth health,
        HttpResponse response,
        Scope scope,
        CancellationToken cancellationToken
    )
    {
        var ready = await health.ReadyAsync(scope, cancellationToken);
        if (ready.Status == "healthy")
        {
            return TypedResults.Json(ready);
        }

        response.Headers.RetryAfter = "1";
        return TypedResults.Json(ready, statusCode: StatusCodes.Status503ServiceUnavailable);
    }
}
