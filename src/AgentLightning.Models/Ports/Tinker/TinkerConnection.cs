using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace AgentLightning.Models.Ports.Tinker;

/// <summary>
/// Requests to one server. What takes time is promised first, and its result fetched by asking until it is there. A request that may have
/// been lost is repeated; the server knows it by its number and does it once.
/// </summary>
internal sealed class TinkerConnection : IDisposable
{
    private const int MostResends = 3;
    private readonly TinkerOptions _options;
    private readonly TimeProvider _clock;
    private readonly HttpClient _http = new(
        new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            UseCookies = false,
        }
    )
    {
        Timeout = Timeout.InfiniteTimeSpan,
        MaxResponseContentBufferSize = 1 << 30,
        DefaultRequestHeaders = { UserAgent = { new ProductInfoHeaderValue("agent-lightning-dotnet", null) } },
    };

    private Task _turn = Task.CompletedTask;

    public TinkerConnection(TinkerOptions options, TimeProvider clock)
    {
        (_options, _clock) = (options, clock);
        if (options.Url is not { IsAbsoluteUri: true, Scheme: "http" or "https" } || options.Url.Query.Length > 0)
        {
            throw new ArgumentException($"The address of the server must be such as http://127.0.0.1:4748, but it is '{options.Url}'.");
        }

        if (options.ApiKey?.Any(c => c is < '!' or > '~') == true)
        {
            throw new ArgumentException("The key of the server must be of printable ASCII characters without blanks.");
        }
    }

    public async Task<T> GetAsync<T>(string path, CancellationToken cancellationToken) =>
        Parse<T>(await SendAsync(HttpMethod.Get, path, null, cancellationToken).ConfigureAwait(false), path);

    /// <summary>Asks for what is answered at once.</summary>
    public async Task<T> PostAsync<T>(string path, object request, CancellationToken cancellationToken) =>
        Parse<T>(
            await SendAsync(HttpMethod.Post, path, JsonSerializer.SerializeToUtf8Bytes(request, TinkerJson.Options), cancellationToken)
                .ConfigureAwait(false),
            path
        );

    /// <summary>Has something forgotten; what is forgotten already is no error.</summary>
    public async Task DeleteAsync(string path, CancellationToken cancellationToken)
    {
        var (status, content) = await TrySendAsync(HttpMethod.Delete, path, null, cancellationToken).ConfigureAwait(false);
        if ((int)status >= 300 && status != HttpStatusCode.NotFound)
        {
            throw Failure(path, status, content);
        }
    }

    /// <summary>
    /// Asks for what takes time, after all that was asked for so before has reached the server, and waits for the result.
    /// </summary>
    public async Task<T> DoInTurnAsync<T>(string path, object request, CancellationToken cancellationToken)
    {
        var before = _turn;
        var mine = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _turn = mine.Task;
        Promise promise;
        try
        {
            await before.ConfigureAwait(false);
            promise = await PostAsync<Promise>(path, request, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            mine.SetResult();
        }

        return await ResultAsync<T>(promise, path, request, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The same in no order.</summary>
    public async Task<T> DoAsync<T>(string path, object request, CancellationToken cancellationToken) =>
        await ResultAsync<T>(
                await PostAsync<Promise>(path, request, cancellationToken).ConfigureAwait(false),
                path,
                request,
                cancellationToken
            )
            .ConfigureAwait(false);

    /// <summary>Tells something that may be lost: once, and whatever comes of it.</summary>
    public async Task TellAsync(string path, object message)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(5), _clock);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, Address(path));
            AddKey(request);
            request.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(message, TinkerJson.Options))
            {
                Headers = { ContentType = new MediaTypeHeaderValue("application/json") },
            };
            using var response = await _http.SendAsync(request, timeout.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            // The server finds out by itself, only later.
        }
    }

    /// <summary>Reads a file that the server has, or says where it is. The key stays with the server.</summary>
    public async Task ReadAsync(string path, Func<Stream, Task> read, CancellationToken cancellationToken)
    {
        var url = Address(path);
        for (var hop = 0; hop < 5; hop++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url);
            AddKey(request);
            using var response = await _http
                .SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken)
                .ConfigureAwait(false);
            if (response.Headers.Location is { } location && (int)response.StatusCode is >= 300 and < 400)
            {
                url = new Uri(url, location);
                continue;
            }

            if (response.StatusCode != HttpStatusCode.OK)
            {
                throw Failure(
                    path,
                    response.StatusCode,
                    await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false)
                );
            }

            var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                await read(stream).ConfigureAwait(false);
            }

            return;
        }

        throw new TinkerException($"{path} redirects again and again.");
    }

    public void Dispose() => _http.Dispose();

    private async Task<T> ResultAsync<T>(Promise promise, string path, object request, CancellationToken cancellationToken)
    {
        for (var resends = 0; ; )
        {
            var body = JsonSerializer.SerializeToUtf8Bytes(new RetrieveFuture(promise.RequestId), TinkerJson.Options);
            var (status, content) = await TrySendAsync(HttpMethod.Post, "retrieve_future", body, cancellationToken).ConfigureAwait(false);
            if (status == HttpStatusCode.Gone && resends++ < MostResends)
            {
                promise = await PostAsync<Promise>(path, request, cancellationToken).ConfigureAwait(false);
            }
            else if (status == HttpStatusCode.OK && !IsTryAgain(path, content))
            {
                return Parse<T>(content, path);
            }
            else if (status is not (HttpStatusCode.OK or HttpStatusCode.RequestTimeout))
            {
                throw Failure(path, status, content);
            }
        }
    }

    /// <summary>Whether the result is not there yet. A failure may come as a result too.</summary>
    private static bool IsTryAgain(string path, byte[] content)
    {
        using var document = ParseDocument(content, path);
        var root = document.RootElement;
        return root.ValueKind == JsonValueKind.Object && root.TryGetProperty("error", out _)
            ? throw Failure(path, HttpStatusCode.BadRequest, content)
            : root.ValueKind == JsonValueKind.Object
                && root.TryGetProperty("type", out var type)
                && type.ValueKind == JsonValueKind.String
                && type.GetString() == "try_again";
    }

    private async Task<byte[]> SendAsync(HttpMethod method, string path, byte[]? body, CancellationToken cancellationToken)
    {
        var (status, content) = await TrySendAsync(method, path, body, cancellationToken).ConfigureAwait(false);
        return status == HttpStatusCode.OK ? content : throw Failure(path, status, content);
    }

    /// <summary>Sends until there is an answer that is more than "not now".</summary>
    private async Task<(HttpStatusCode Status, byte[] Content)> TrySendAsync(
        HttpMethod method,
        string path,
        byte[]? body,
        CancellationToken cancellationToken
    )
    {
        for (var tries = 0; ; tries++)
        {
            using var timeout = new CancellationTokenSource(_options.RequestTimeout, _clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
            try
            {
                using var request = new HttpRequestMessage(method, Address(path));
                request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
                AddKey(request);
                request.Content = body is null
                    ? null
                    : new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
                using var response = await _http.SendAsync(request, either.Token).ConfigureAwait(false);
                var content = await response.Content.ReadAsByteArrayAsync(either.Token).ConfigureAwait(false);
                if (
                    !(response.StatusCode == HttpStatusCode.TooManyRequests || (int)response.StatusCode >= 500)
                    || tries >= _options.Retries
                )
                {
                    return (response.StatusCode, content);
                }
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested && e is HttpRequestException or OperationCanceledException)
            {
                if (tries >= _options.Retries)
                {
                    var why =
                        e is OperationCanceledException
                            ? FormattableString.Invariant($"no answer within {_options.RequestTimeout.TotalSeconds} seconds")
                            : e.Message;
                    throw new TinkerException($"{_options.Url} was asked for {path} {tries + 1} times: {why}", e);
                }
            }

            await Task.Delay(TimeSpan.FromSeconds(Math.Min(0.5 * Math.Pow(2, tries), 30)), _clock, cancellationToken).ConfigureAwait(false);
        }
    }

    private Uri Address(string path) => new($"{_options.Url.AbsoluteUri.TrimEnd('/')}/api/v1/{path}");

    private void AddKey(HttpRequestMessage request)
    {
        if (
            _options.ApiKey is not null
            && request.RequestUri!.GetLeftPart(UriPartial.Authority) == _options.Url.GetLeftPart(UriPartial.Authority)
        )
        {
            request.Headers.Add("X-API-Key", _options.ApiKey);
        }
    }

    private static T Parse<T>(byte[] content, string path)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(content, TinkerJson.Options) ?? throw new JsonException("it is null");
        }
        catch (JsonException e)
        {
            throw new TinkerException($"The server's answer to {path} is not what it should be: {e.Message}", e);
        }
    }

    private static JsonDocument ParseDocument(byte[] content, string path)
    {
        try
        {
            return JsonDocument.Parse(content);
        }
        catch (JsonException e)
        {
            throw new TinkerException($"The server's answer to {path} is not JSON: {e.Message}", e);
        }
    }

    private static TinkerException Failure(string path, HttpStatusCode status, byte[] content) =>
        new(
            status switch
            {
                HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden =>
                    $"The server refuses the key for {path} ({(int)status}). Give the right one by "
                        + $"{TinkerOptions.KeyVariable}.{Told(content)}",
                HttpStatusCode.PaymentRequired => $"The server wants payment before {path} ({(int)status}).{Told(content)}",
                _ => $"The server failed at {path} ({(int)status}).{Told(content)}",
            }
        );

    /// <summary>What the server says of it, under one of the names that servers have for that.</summary>
    private static string Told(byte[] content)
    {
        try
        {
            using var document = JsonDocument.Parse(content);
            foreach (var name in (string[])["error", "detail", "message"])
            {
                if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty(name, out var told))
                {
                    var text = told.ToString();
                    return " " + (text.Length > 1000 ? text[..1000] : text);
                }
            }
        }
        catch (JsonException)
        {
            // A proxy, perhaps: the status says enough.
        }

        return "";
    }
}
