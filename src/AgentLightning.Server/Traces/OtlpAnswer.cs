using System.Buffers;
using System.Text.Json;
using AgentLightning.Traces;
using Microsoft.AspNetCore.Http;

namespace AgentLightning.Server.Traces;

/// <summary>An answer to an OTLP request, in the encoding of the request: an export response, or a <c>google.rpc.Status</c>.</summary>
internal sealed class OtlpAnswer(OtlpEncoding encoding, int status, byte[] body) : IResult
{
    /// <param name="rejectedName">The name of the number of rejected items in JSON.</param>
    public static OtlpAnswer Stored(OtlpEncoding encoding, string rejectedName, int rejected, string? message)
    {
        if (rejected == 0)
        {
            return new OtlpAnswer(encoding, StatusCodes.Status200OK, encoding == OtlpEncoding.Json ? "{}"u8.ToArray() : []);
        }

        if (encoding == OtlpEncoding.Json)
        {
            return new OtlpAnswer(
                encoding,
                StatusCodes.Status200OK,
                Json(json =>
                {
                    json.WriteStartObject("partialSuccess"u8);
                    json.WriteString(rejectedName, $"{rejected}");
                    json.WriteString("errorMessage"u8, message);
                    json.WriteEndObject();
                })
            );
        }

        return new OtlpAnswer(encoding, StatusCodes.Status200OK, Partial(rejected, message));
    }

    /// <summary>An export response in protobuf: empty when all was taken.</summary>
    public static byte[] Partial(int rejected, string? message) =>
        rejected == 0
            ? []
            : new ProtobufBytes().Message(1, new ProtobufBytes().Number(1, (ulong)rejected).Text(2, message ?? "").ToArray()).ToArray();

    /// <param name="code">Of gRPC: 3 invalid argument, 8 resource exhausted, 12 unimplemented, 14 unavailable.</param>
    public static OtlpAnswer Error(OtlpEncoding encoding, int status, int code, string message)
    {
        if (encoding == OtlpEncoding.Json)
        {
            return new OtlpAnswer(
                encoding,
                status,
                Json(json =>
                {
                    json.WriteNumber("code"u8, code);
                    json.WriteString("message"u8, message);
                })
            );
        }

        return new OtlpAnswer(encoding, status, new ProtobufBytes().Number(1, (ulong)code).Text(2, message).ToArray());
    }

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = status;
        response.ContentType = encoding == OtlpEncoding.Json ? "application/json" : "application/x-protobuf";
        response.ContentLength = body.Length;
        if (status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable)
        {
            response.Headers.RetryAfter = "1";
        }

        await response.Body.WriteAsync(body, httpContext.RequestAborted);
    }

    private static byte[] Json(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
