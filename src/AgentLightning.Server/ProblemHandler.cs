using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using AgentLightning.Common;
using AgentLightning.Governance;
using AgentLightning.Server.Access;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;

namespace AgentLightning.Server;

/// <summary>
/// Turns errors into <c>application/problem+json</c>. What the product says to the caller is passed on; anything unexpected is logged and
/// not shown.
/// </summary>
internal sealed partial class ProblemHandler(Redactor redactor, ILogger<ProblemHandler> logger) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        var (status, detail) = exception switch
        {
            LightningException e => (StatusOf(e.Kind), e.Message),
            BadHttpRequestException { InnerException: JsonException json } => (
                StatusCodes.Status400BadRequest,
                $"The body is not the JSON that was expected: {LightningJson.Describe(json, withLine: true)}"
            ),
            BadHttpRequestException e => (e.StatusCode, Describe(e)),
            InvalidOperationException when UnknownCharset(httpContext.Request) is { } charset => (
                StatusCodes.Status415UnsupportedMediaType,
                $"The body's charset '{charset}' is unknown. Send JSON in UTF-8."
            ),
            OperationCanceledException when httpContext.RequestAborted.IsCancellationRequested => (
                StatusCodes.Status499ClientClosedRequest,
                "The client went away."
            ),
            _ => (StatusCodes.Status500InternalServerError, "The server failed. Its log says why."),
        };
        if (status == StatusCodes.Status500InternalServerError)
        {
            LogFailure(
                logger,
                httpContext.Request.Method,
                redactor.Redact(httpContext.Request.Path.Value ?? ""),
                redactor.Redact(exception.ToString())
            );
        }

        httpContext.Response.StatusCode = status;
        if (status == StatusCodes.Status503ServiceUnavailable)
        {
            httpContext.Response.Headers.RetryAfter = "1";
        }

        await Problems.WriteAsync(httpContext, status, detail);
        return true;
    }

    /// <summary>The framework takes a charset that it does not know for a mistake of ours.</summary>
    private static string? UnknownCharset(HttpRequest request)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type) || type.Charset.Length == 0)
        {
            return null;
        }

        try
        {
            Encoding.GetEncoding(type.Charset.ToString().Trim('"'));
            return null;
        }
        catch (ArgumentException)
        {
            return type.Charset.Length > 40 ? type.Charset.Substring(0, 40) : type.Charset.ToString();
        }
    }

    private static int StatusOf(ErrorKind kind) =>
        kind switch
        {
            ErrorKind.Invalid => StatusCodes.Status400BadRequest,
            ErrorKind.Forbidden => StatusCodes.Status403Forbidden,
            ErrorKind.NotFound => StatusCodes.Status404NotFound,
            ErrorKind.Conflict => StatusCodes.Status409Conflict,
            ErrorKind.Unavailable => StatusCodes.Status503ServiceUnavailable,
            _ => StatusCodes.Status500InternalServerError,
        };

    /// <summary>The framework's own words name types and parameters of our code; the caller knows neither.</summary>
    private static string Describe(BadHttpRequestException exception)
    {
        if (BindingFailure().Match(exception.Message) is { Success: true } binding)
        {
            return $"{JsonNamingPolicy.SnakeCaseLower.ConvertName(binding.Groups["name"].Value)} must be a whole number, but it is "
                + $"'{binding.Groups["value"].Value}'.";
        }

        return exception.Message.Contains("body", StringComparison.Ordinal) && exception.StatusCode == StatusCodes.Status400BadRequest
            ? "A JSON body is required, and it cannot be empty."
            : exception.Message;
    }

    [GeneratedRegex("""^Failed to bind parameter "(?<type>\S+) (?<name>\w+)" from "(?<value>.*)"\.$""", RegexOptions.Singleline)]
    private static partial Regex BindingFailure();

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} {Path} failed: {Error}")]
    private static partial void LogFailure(ILogger logger, string method, string path, string error);
}
