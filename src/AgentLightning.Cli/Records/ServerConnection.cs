using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using AgentLightning.Common;

namespace AgentLightning.Cli.Records;

/// <summary>Requests to a server. What it refuses is an error of the same kind as from a store, in the server's own words.</summary>
internal sealed class ServerConnection : IDisposable
{
    private readonly HttpClient _http;

    /// <param name="server">An absolute address; paths are relative to its <c>/api/lightning/</c>.</param>
    /// <param name="apiKey">Null for a server without keys.</param>
    public ServerConnection(string server, string? apiKey)
    {
        if (!Uri.TryCreate(server, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
        {
            throw LightningException.Invalid($"--server must be an address such as http://127.0.0.1:4747, but it is '{server}'.");
        }

        // Deletions and exports take as long as they take; whoever waits can press Ctrl+C.
        _http = new HttpClient { BaseAddress = new Uri(address, "/api/lightning/"), Timeout = Timeout.InfiniteTimeSpan };
        if (apiKey is not null)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", apiKey);
        }
    }

    /// <summary>The server as errors name it.</summary>
    public string Address => _http.BaseAddress!.GetLeftPart(UriPartial.Authority);

    public Task<T> GetAsync<T>(string path, CancellationToken cancellationToken) =>
        SendAsync<T>(HttpMethod.Get, path, null, cancellationToken);

    public Task<T> DeleteAsync<T>(string path, CancellationToken cancellationToken) =>
        SendAsync<T>(HttpMethod.Delete, path, null, cancellationToken);

    public async Task<TAnswer> PostAsync<TBody, TAnswer>(string path, TBody body, CancellationToken cancellationToken)
    {
        using var content = JsonContent.Create(body, options: LightningJson.Options);
        return await PostContentAsync<TAnswer>(path, content, cancellationToken);
    }

    public Task<T> PostContentAsync<T>(string path, HttpContent content, CancellationToken cancellationToken) =>
        SendAsync<T>(HttpMethod.Post, path, content, cancellationToken);

    /// <summary>The answer as it comes, for one that is too long for memory. Its content is read by the caller, who disposes it.</summary>
    public Task<HttpResponseMessage> OpenAsync(string path, CancellationToken cancellationToken) =>
        OpenAsync(path, static _ => false, cancellationToken);

    /// <param name="isAnswer">Says of a status that is no success whether it is an answer all the same.</param>
    public Task<HttpResponseMessage> OpenAsync(string path, Func<HttpStatusCode, bool> isAnswer, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, path, null, isAnswer, cancellationToken);

    public async Task<T> ReadAsync<T>(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            return (await response.Content.ReadFromJsonAsync<T>(LightningJson.Options, cancellationToken))!;
        }
        catch (JsonException e)
        {
            throw new LightningException(
                ErrorKind.Unavailable,
                $"{Address} does not answer as a Lightning server does. Check --server.",
                e
            );
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<T> SendAsync<T>(HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(method, path, content, static _ => false, cancellationToken);
        return await ReadAsync<T>(response, cancellationToken);
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method,
        string path,
        HttpContent? content,
        Func<HttpStatusCode, bool> isAnswer,
        CancellationToken cancellationToken
    )
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        try
        {
            var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (response.IsSuccessStatusCode || isAnswer(response.StatusCode))
            {
                return response;
            }

            using (response)
            {
                throw new LightningException(KindOf(response.StatusCode), await DetailAsync(response, cancellationToken));
            }
        }
        catch (HttpRequestException e)
        {
            throw new LightningException(
                ErrorKind.Unavailable,
                $"The server {Address} cannot be reached: {e.Message.TrimEnd('.')}. Start it with 'lightning serve', or correct --server.",
                e
            );
        }
    }

    private static ErrorKind KindOf(HttpStatusCode status) =>
        status switch
        {
            HttpStatusCode.BadRequest => ErrorKind.Invalid,
            HttpStatusCode.Forbidden => ErrorKind.Forbidden,
            HttpStatusCode.NotFound => ErrorKind.NotFound,
            HttpStatusCode.Conflict => ErrorKind.Conflict,
            _ => ErrorKind.Unavailable,
        };

    private static async Task<string> DetailAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            var problem = await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
            if (
                problem.ValueKind == JsonValueKind.Object
                && problem.TryGetProperty("detail", out var detail)
                && detail.ValueKind == JsonValueKind.String
            )
            {
                return detail.GetString()!;
            }
        }
        catch (JsonException)
        {
            // A proxy's page, perhaps: the status says what can be said.
        }

        return $"The server answered {(int)response.StatusCode} {response.ReasonPhrase}.";
    }
}
