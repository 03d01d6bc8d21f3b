using System.Buffers;
using System.Text.Json;
using AgentLightning.Common;

namespace AgentLightning.Server.Gateway;

/// <summary>A call that the gateway itself refuses or fails, in OpenAI's words.</summary>
internal sealed class GatewayException(int status, string code, string message, string? param = null) : Exception(message)
{
    public int Status { get; } = status;

    public string Code { get; } = code;

    public string? Param { get; } = param;

    /// <summary>When the same may be tried again.</summary>
    public TimeSpan? RetryAfter { get; init; }

    public static GatewayException Invalid(string message, string? param = null) => new(400, "invalid_request", message, param);
}

/// <summary>Errors as OpenAI writes them: <c>{"error":{"message":…,"type":…,"param":…,"code":…}}</c>.</summary>
internal static class GatewayError
{
    public static byte[] Write(int status, string? code, string message, string? param)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = LightningJson.Options.Encoder }))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("error");
            writer.WriteString("message", message);
            writer.WriteString("type", TypeOf(status));
            writer.WriteString("param", param);
            writer.WriteString("code", code ?? CodeOf(status));
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>An event that tells the reader of a stream that no more comes, and why.</summary>
    public static byte[] Event(ModelRoute route, string code, string message)
    {
        if (route.HasChoices())
        {
            return [.. "data: "u8, .. Write(502, code, message, null), .. "\n\n"u8];
        }

        var json = JsonSerializer.SerializeToUtf8Bytes(
            new
            {
                type = "error",
                code,
                message,
                param = (string?)null,
            },
            LightningJson.Options
        );
        return [.. "event: error\ndata: "u8, .. json, .. "\n\n"u8];
    }

    private static string TypeOf(int status) =>
        status switch
        {
            401 => "authentication_error",
            403 => "permission_error",
            429 => "rate_limit_error",
            >= 500 => "server_error",
            _ => "invalid_request_error",
        };

    private static string? CodeOf(int status) =>
        status switch
        {
            401 => "invalid_api_key",
            403 => "forbidden",
            404 => "not_found",
            413 => "body_too_large",
            429 => "rate_limit_exceeded",
            >= 500 => "server_error",
            _ => null,
        };
}
