using System.Net;
using System.Net.Http.Headers;

namespace AgentLightning.Models.Hub;

/// <summary>An answer after all redirects, and what the hub itself said on the way, before it sent us elsewhere.</summary>
/// <param name="LinkedETag">Hash of a file in large file storage.</param>
/// <param name="HubETag">Tag of a file that the hub serves itself; null after a redirect to another host.</param>
internal sealed record HubResponse(HttpResponseMessage Message, string? LinkedETag, string? HubETag) : IDisposable
{
    public void Dispose() => Message.Dispose();
}

/// <summary>Requests to one hub. Follows redirects itself, because the token must stay with the hub.</summary>
internal sealed class HubConnection(HubOptions options) : IDisposable
{
    private const int MostRedirects = 10;

    private readonly HttpClient _http = new(
        new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            ConnectTimeout = options.StallTimeout,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        }
    )
    {
        Timeout = Timeout.InfiniteTimeSpan,
        DefaultRequestHeaders = { UserAgent = { new ProductInfoHeaderValue("agent-lightning-dotnet", null) } },
    };

    public HubOptions Options => options;

    /// <summary>Paths are escaped piece by piece.</summary>
    public Uri Address(params IEnumerable<string> path) =>
        new(
            $"{options.Url.AbsoluteUri.TrimEnd('/')}/"
                + string.Join('/', path.SelectMany(part => part.Split('/')).Select(Uri.EscapeDataString))
        );

    public async Task<HubResponse> GetAsync(Uri url, long from, EntityTagHeaderValue? ifRange, CancellationToken cancellationToken)
    {
        string? linked = null;
        for (var hop = 0; hop <= MostRedirects; hop++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url);
            var ofHub = IsOfHub(url);
            if (options.Token is not null && ofHub)
            {
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", options.Token);
            }

            if (from > 0)
            {
                request.Headers.Range = new RangeHeaderValue(from, null);
                request.Headers.IfRange = ifRange is null ? null : new RangeConditionHeaderValue(ifRange);
            }

            var response = await _http
                .SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken)
                .ConfigureAwait(false);
            linked ??= ofHub && response.Headers.TryGetValues("X-Linked-Etag", out var values) ? values.First() : null;
            if (
                response.StatusCode
                is not (
                    HttpStatusCode.Moved
                    or HttpStatusCode.Found
                    or HttpStatusCode.SeeOther
                    or HttpStatusCode.TemporaryRedirect
                    or HttpStatusCode.PermanentRedirect
                )
            )
            {
                return new HubResponse(response, linked, ofHub ? response.Headers.ETag?.ToString() : null);
            }

            var next = response.Headers.Location is { } location ? new Uri(url, location) : null;
            response.Dispose();
            url = next switch
            {
                null => throw new HubException($"{Shown(url)} answered with a redirect to nowhere."),
                { Scheme: "https" } => next,
                { Scheme: "http" } when url.Scheme == "http" => next,
                _ => throw new HubException($"{Shown(url)} sends to {Shown(next)}, which is not a secure address."),
            };
        }

        throw new HubException($"{Shown(url)} redirects again and again; gave up after {MostRedirects} times.");
    }

    /// <summary>An address for messages: queries may be signed, and are left out.</summary>
    public static string Shown(Uri url) => url.GetLeftPart(UriPartial.Path);

    public void Dispose() => _http.Dispose();

    private bool IsOfHub(Uri url) =>
        url.Scheme == options.Url.Scheme
        && url.Port == options.Url.Port
        && string.Equals(url.IdnHost, options.Url.IdnHost, StringComparison.OrdinalIgnoreCase);
}
