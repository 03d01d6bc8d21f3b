using AgentLightning.Server.Gateway;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server;

/// <summary>Answers of the server itself as <c>application/problem+json</c>.</summary>
internal static class Problems
{
    public static async Task WriteAsync(HttpContext context, int status, string? detail)
    {
        context.Response.StatusCode = status;
        if (OpenAiErrors.AreMeant(context))
        {
            await OpenAiErrors.WriteAsync(context, status, null, detail ?? ReasonPhrases.GetReasonPhrase(status));
            return;
        }

        // An error is told as a problem, also to a client that would rather have another type: the framework would say nothing.
        context.Request.Headers.Remove("Accept");
        await context
            .RequestServices.GetRequiredService<IProblemDetailsService>()
            .TryWriteAsync(new ProblemDetailsContext { HttpContext = context, ProblemDetails = { Status = status, Detail = detail } });
    }
}
