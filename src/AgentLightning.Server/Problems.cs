using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server;

/// <summary>Answers of the server itself as <c>application/problem+json</c>.</summary>
internal static class Problems
{
    public static async Task WriteAsync(HttpContext context, int status, string? detail)
    {
        context.Response.StatusCode = status;
        // An error is told as a problem, also to a client that would rather have another type: the framework would say nothing.
        context.Request.Headers.Remove("Accept");
        await context
            .RequestServices.GetRequiredService<IProblemDetailsService>()
            .TryWriteAsync(new ProblemDetailsContext { HttpContext = context, ProblemDetails = { Status = status, Detail = detail } });
    }
}
