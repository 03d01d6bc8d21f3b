using System.ClientModel;
using System.Globalization;
using System.Text.Json;
using AgentLightning.Common;

namespace AgentLightning.Engine.ChatServers;

/// <summary>Says in one sentence what an OpenAI-compatible server or the way to it did.</summary>
internal static class ChatServerErrors
{
    private const int LongestQuote = 300;

    /// <summary>Null of what is not an error of the server: a cancellation, a mistake of the caller.</summary>
    /// <param name="timedOut">Whether our own limit ended it.</param>
    public static LightningException? Of(Exception e, ChatServerOptions options, string model, bool timedOut)
    {
        var where = $"{model} at {options.BaseUrl}";
        return e switch
        {
            ObjectDisposedException => null,
            OperationCanceledException
            or AggregateException
            or IOException
            or HttpRequestException
            or ClientResultException { Status: 0 } when timedOut => New(
                ErrorKind.Unavailable,
                string.Create(CultureInfo.InvariantCulture, $"{where} did not answer within {options.Timeout.TotalSeconds:0.###} s.")
            ),
            ClientResultException { Status: > 0 } result => OfStatus(result, options, where),
            ClientResultException or HttpRequestException or IOException => New(
                ErrorKind.Unavailable,
                $"{where} cannot be reached: {Innermost(e).TrimEnd('.')}."
            ),
            // The library retries, and gathers what it saw.
            AggregateException many when many.Flatten().InnerExceptions is [.., var last] && last is not OperationCanceledException => Of(
                last,
                options,
                model,
                timedOut
            ) ?? New(ErrorKind.Unavailable, $"{where} failed: {Innermost(last)}"),
            JsonException or FormatException or InvalidOperationException or KeyNotFoundException or ArgumentException => New(
                ErrorKind.Unavailable,
                $"{where} answered something that is not a chat completion: {Innermost(e)}"
            ),
            _ => null,
        };

        LightningException New(ErrorKind kind, string message) => new(kind, Clean(message, options), e);
    }

    private static LightningException OfStatus(ClientResultException e, ChatServerOptions options, string where)
    {
        var said = Said(e);
        var quote = said is null ? "" : $" It says: {said}";
        var (kind, message) = e.Status switch
        {
            401 or 403 => (
                ErrorKind.Forbidden,
                $"{where} refuses the API key {KeyMask.Of(options.ApiKey) ?? "(none is set)"} ({e.Status}). Set OPENAI_API_KEY, or "
                    + $"api_key in config.toml.{quote}"
            ),
            404 => (
                ErrorKind.NotFound,
                $"{where} was not found (404). Check the model's name, and that the base URL ends as the server wants it, often in "
                    + $"/v1.{quote}"
            ),
            429 => (ErrorKind.Unavailable, $"{where} is busy or its quota is used up (429). Try again later.{quote}"),
            >= 300 and < 400 => (
                ErrorKind.Invalid,
                $"{where} redirects elsewhere ({e.Status}); give the address that it redirects to as base URL."
            ),
            >= 500 or 408 => (ErrorKind.Unavailable, $"{where} failed ({e.Status}).{quote}"),
            _ => (ErrorKind.Invalid, $"{where} refused the request ({e.Status}).{quote}"),
        };
        return new LightningException(kind, Clean(message, options), e);
    }

    /// <summary>
    /// The message of an answer like <c>{"error":{"message":…}}</c>, <c>{"error":…}</c> or <c>{"message":…}</c>, or its text.
    /// </summary>
    private static string? Said(ClientResultException e)
    {
        var body = e.GetRawResponse()?.Content?.ToString();
        if (string.IsNullOrWhiteSpace(body))
        {
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(body);
            var root = json.RootElement;
            var error = root.ValueKind == JsonValueKind.Object && root.TryGetProperty("error", out var inner) ? inner : root;
            body =
                error.ValueKind == JsonValueKind.Object
                && (error.TryGetProperty("message", out var message) || error.TryGetProperty("detail", out message))
                    ? message.ToString()
                    : error.ToString();
        }
        catch (JsonException)
        {
            // A page or a line of text, quoted as it is.
        }

        var line = string.Join(' ', body.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.Length > LongestQuote ? $"{line[..LongestQuote]}…" : line;
    }

    /// <summary>Servers like to repeat the key that they refuse.</summary>
    private static string Clean(string message, ChatServerOptions options) =>
        options.ApiKey is { } key ? message.Replace(key, KeyMask.Of(key), StringComparison.Ordinal) : message;

    private static string Innermost(Exception e) => e.GetBaseException().Message.Split('\n')[0].TrimEnd('\r');
}
