using System.Buffers;
using System.Text;
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

        var partial = new List<byte>();
        Varint(partial, (1 << 3) | 0, (ulong)rejected);
        Text(partial, 2, message ?? "");
        var whole = new List<byte>();
        Bytes(whole, 1, [.. partial]);
        return new OtlpAnswer(encoding, StatusCodes.Status200OK, [.. whole]);
    }

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

        var whole = new List<byte>();
        Varint(whole, (1 << 3) | 0, (ulong)code);
        Text(whole, 2, message);
        return new OtlpAnswer(encoding, status, [.. whole]);
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

    private static void Text(List<byte> output, int field, string text) => Bytes(output, field, Encoding.UTF8.GetBytes(text));

    private static void Bytes(List<byte> output, int field, byte[] bytes)
    {
        Varint(output, (field << 3) | 2, (ulong)bytes.Length);
        output.AddRange(bytes);
    }

    private static void Varint(List<byte> output, int tag, ulong value)
    {
        output.Add((byte)tag);
        for (; value >= 0x80; value >>= 7)
        {
            output.Add((byte)(value | 0x80));
        }

        output.Add((byte)value);
    }
}
