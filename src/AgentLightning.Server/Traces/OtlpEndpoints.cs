using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Server.Access;
using AgentLightning.Server.Limits;
using AgentLightning.Traces;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Traces;

/// <summary>OTLP over HTTP: protobuf or JSON, plain or gzip. Answers come in the encoding of the request.</summary>
internal static class OtlpEndpoints
{
    private const int InvalidArgument = 3;
    private const int ResourceExhausted = 8;
    private const int Unimplemented = 12;
    private const int Unavailable = 14;

    public static void MapOtlp(this IEndpointRouteBuilder routes)
    {
        routes
            .MapPost("/v1/traces", (HttpRequest request, ReceiveTelemetry telemetry, Scope scope, CancellationToken cancellationToken) =>
                ReceiveAsync(request, telemetry, SpanForm.Span, scope, cancellationToken)
            )
            .WithSummary("Takes in OpenTelemetry spans (OTLP/HTTP, protobuf or JSON). What is answered with 200 is on disk.")
            .RequiresRole(Role.Write);
        routes
            .MapPost("/v1/logs", (HttpRequest request, ReceiveTelemetry telemetry, Scope scope, CancellationToken cancellationToken) =>
                ReceiveAsync(request, telemetry, SpanForm.Log, scope, cancellationToken)
            )
            .WithSummary("Takes in OpenTelemetry log records: events of GenAI are joined to their spans, others are not kept.")
            .RequiresRole(Role.Write);
        routes
            .MapPost("/v1/metrics", (HttpRequest request) =>
                OtlpAnswer.Error(
                    EncodingOf(request) ?? OtlpEncoding.Json,
                    StatusCodes.Status501NotImplemented,
                    Unimplemented,
                    "Metrics are not taken in. Send them to a metrics store, and traces and logs here."
                )
            )
            .WithSummary("Metrics are not taken in: 501.")
            .ProducesProblem(StatusCodes.Status501NotImplemented)
            .RequiresRole(Role.Write, AgentRule.NoRecords);
    }

    /// <summary>
    /// The one place where a request becomes spans. Those of agents that the key is not for are refused, the others stored.
    /// </summary>
    private static async Task<IResult> ReceiveAsync(
        HttpRequest request,
        ReceiveTelemetry telemetry,
        SpanForm form,
        Scope scope,
        CancellationToken cancellationToken
    )
    {
        if (EncodingOf(request) is not { } encoding)
        {
            return OtlpAnswer.Error(
                OtlpEncoding.Json,
                StatusCodes.Status415UnsupportedMediaType,
                InvalidArgument,
                "The content type must be application/x-protobuf or application/json."
            );
        }

        var compression = request.Headers.ContentEncoding.ToString().Trim();
        var gzip = compression.Equals("gzip", StringComparison.OrdinalIgnoreCase);
        if (!gzip && compression.Length > 0 && !compression.Equals("identity", StringComparison.OrdinalIgnoreCase))
        {
            return OtlpAnswer.Error(
                encoding,
                StatusCodes.Status415UnsupportedMediaType,
                InvalidArgument,
                "The content encoding must be gzip, or none."
            );
        }

        try
        {
            var result = await telemetry.ExecuteAsync(
                scope,
                new OtlpRequest(encoding, form, gzip, request.ContentLength),
                request.Body,
                BodyBudget.ShareOf(request.HttpContext),
                cancellationToken
            );
            return result.Outcome switch
            {
                OtlpOutcome.Stored => OtlpAnswer.Stored(
                    encoding,
                    form == SpanForm.Span ? "rejectedSpans" : "rejectedLogRecords",
                    result.Rejected,
                    result.Message
                ),
                OtlpOutcome.TooLarge => OtlpAnswer.Error(
                    encoding,
                    StatusCodes.Status413PayloadTooLarge,
                    ResourceExhausted,
                    result.Message!
                ),
                OtlpOutcome.Busy => OtlpAnswer.Error(encoding, StatusCodes.Status503ServiceUnavailable, Unavailable, result.Message!),
                _ => OtlpAnswer.Error(encoding, StatusCodes.Status400BadRequest, InvalidArgument, result.Message!),
            };
        }
        catch (LightningException e) when (e.Kind == ErrorKind.Unavailable)
        {
            return OtlpAnswer.Error(encoding, StatusCodes.Status503ServiceUnavailable, Unavailable, e.Message);
        }
        catch (BadHttpRequestException e)
        {
            return OtlpAnswer.Error(
                encoding,
                e.StatusCode,
                e.StatusCode == StatusCodes.Status413PayloadTooLarge ? ResourceExhausted : InvalidArgument,
                "The body is larger than the server takes, or did not come whole. Send smaller batches."
            );
        }
    }

    private static OtlpEncoding? EncodingOf(HttpRequest request) =>
        (request.ContentType ?? "").Split(';')[0].Trim().ToLowerInvariant() switch
        {
            "application/x-protobuf" => OtlpEncoding.Protobuf,
            "application/json" => OtlpEncoding.Json,
            _ => null,
        };
}
