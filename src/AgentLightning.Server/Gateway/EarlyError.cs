using System.Text.Json;

namespace AgentLightning.Server.Gateway;

/// <summary>An error that a stream tells in place of an answer, with 200: it is answered as what it is.</summary>
internal static class EarlyError
{
    /// <param name="data">Of the event.</param>
    public static AttemptFailure Of(Upstream upstream, byte[] data)
    {
        var (status, code, message) = Read(data);
        return new AttemptFailure(
            status,
            code ?? "upstream_error",
            message is null ? $"The upstream {upstream.Name} answered with an error." : upstream.Scrubbed(message),
            RetryRules.CanRetry(status),
            RetryRules.IsOfUpstream(status)
        );
    }

    private static (int Status, string? Code, string? Message) Read(byte[] data)
    {
        try
        {
            using var json = JsonDocument.Parse(data);
            var root = json.RootElement;
            var error =
                root.TryGetProperty("response", out var response) && response.TryGetProperty("error", out var inner) ? inner
                : root.TryGetProperty("error", out inner) ? inner
                : root;
            if (error.ValueKind != JsonValueKind.Object)
            {
                return (502, null, error.ValueKind == JsonValueKind.String ? error.GetString() : null);
            }

            var (code, type) = (Text(error, "code"), Text(error, "type"));
            return (StatusOf(Text(error, "status") ?? code, type), code, Text(error, "message"));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return (502, null, null);
        }
    }

    private static int StatusOf(string? code, string? type) =>
        int.TryParse(code, out var status) && status is >= 400 and < 600 ? status
        : $"{code} {type}".Contains("rate_limit", StringComparison.OrdinalIgnoreCase) ? 429
        : $"{code} {type}".Contains("overloaded", StringComparison.OrdinalIgnoreCase) ? 503
        : type is "invalid_request_error" or "BadRequestError" ? 400
        : 502;

    private static string? Text(JsonElement error, string name) =>
        error.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String or JsonValueKind.Number
            ? value.ToString()
            : null;
}
