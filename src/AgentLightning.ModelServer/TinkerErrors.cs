using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Models.Ports.Tinker;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace AgentLightning.ModelServer;

/// <summary>
/// Errors in the wire's form: <c>detail</c> and <c>error</c> say what is wrong, <c>category</c> who can mend it. What is no mistake of the
/// client is logged and not shown.
/// </summary>
internal sealed partial class TinkerErrors(ILogger<TinkerErrors> logger)
{
    public async Task HandleAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
            if (
                context.Response is
                { HasStarted: false, StatusCode: StatusCodes.Status404NotFound or StatusCodes.Status405MethodNotAllowed } response
            )
            {
                await WriteAsync(
                    context,
                    Outcome(response.StatusCode, $"There is no {context.Request.Method} {context.Request.Path} here.")
                );
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
        }
        catch (Exception e) when (!context.Response.HasStarted)
        {
            var outcome = OutcomeOf(e);
            if (outcome.Status == StatusCodes.Status500InternalServerError)
            {
                LogFailure(logger, context.Request.Path, e);
            }

            await WriteAsync(context, outcome);
        }
    }

    public static Outcome OutcomeOf(Exception exception) =>
        exception switch
        {
            TinkerRefusal e => Outcome(e.Status, e.Message),
            JsonException e => Outcome(
                StatusCodes.Status422UnprocessableEntity,
                $"The body is not the JSON that was expected: "
                    + $"{(e.Path is null ? "it cannot be read as JSON" : $"at {e.Path}, line {e.LineNumber + 1}")}."
            ),
            BadHttpRequestException e => Outcome(e.StatusCode, e.Message),
            ArgumentException or InvalidDataException => Outcome(StatusCodes.Status400BadRequest, FirstLine(exception.Message)),
            LightningException { Kind: ErrorKind.Invalid } e => Outcome(StatusCodes.Status400BadRequest, e.Message),
            OperationCanceledException => Outcome(StatusCodes.Status503ServiceUnavailable, "The server ends."),
            _ => Outcome(StatusCodes.Status500InternalServerError, "The server failed. Its log says why."),
        };

    public static async Task WriteAsync(HttpContext context, Outcome outcome)
    {
        context.Response.StatusCode = outcome.Status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = outcome.Content.Length;
        await context.Response.Body.WriteAsync(outcome.Content, context.RequestAborted);
    }

    public static Outcome Outcome(int status, string message) =>
        new(
            status,
            JsonSerializer.SerializeToUtf8Bytes(
                new
                {
                    detail = message,
                    error = message,
                    category = status < 500 ? "user" : "server",
                },
                TinkerJson.Options
            )
        );

    /// <summary>Without the name of a parameter that nobody outside can see.</summary>
    private static string FirstLine(string message)
    {
        var line = message.Split('\n')[0].TrimEnd('\r');
        var parameter = line.LastIndexOf(" (Parameter '", StringComparison.Ordinal);
        return parameter >= 0 ? line[..parameter] : line;
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Path} failed")]
    private static partial void LogFailure(ILogger logger, string path, Exception exception);
}
