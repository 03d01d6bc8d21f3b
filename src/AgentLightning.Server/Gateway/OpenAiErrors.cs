using System.Globalization;
using AgentLightning.Governance;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server.Gateway;

/// <summary>Errors of the server itself to a caller that speaks OpenAI's protocol.</summary>
internal static class OpenAiErrors
{
    private static readonly SpeaksOpenAi s_speaks = new();

    /// <summary>
    /// Notes that a request speaks it: after an error the framework forgets which endpoint it was, and for a wrong method or type of
    /// content it has one of its own.
    /// </summary>
    public static Task MarkAsync(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint() is { } endpoint && (endpoint.Metadata.GetMetadata<SpeaksOpenAi>() is not null || IsRoute(context)))
        {
            context.Features.Set(s_speaks);
        }

        return next(context);
    }

    private static bool IsRoute(HttpContext context) =>
        context.Request.Path.Value is { } path
        && path.StartsWith("/v1/", StringComparison.OrdinalIgnoreCase)
        && Enum.GetValues<ModelRoute>().Any(route => path.EndsWith(route.Path(), StringComparison.OrdinalIgnoreCase));

    public static bool AreMeant(HttpContext context) => context.Features.Get<SpeaksOpenAi>() is not null;

    public static async Task WriteAsync(
        HttpContext context,
        int status,
        string? code,
        string message,
        string? param = null,
        TimeSpan? retryAfter = null
    )
    {
        // Messages quote what was sent; a secret in it must not come back.
        message = context.RequestServices.GetRequiredService<Redactor>().Redact(message);
        var body = GatewayError.Write(status, code, message, param);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length;
        if (retryAfter is { } after)
        {
            context.Response.Headers.RetryAfter = Math.Ceiling(after.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        }

        await context.Response.Body.WriteAsync(body);
    }
}
