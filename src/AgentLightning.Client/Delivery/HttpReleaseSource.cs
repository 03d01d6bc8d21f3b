using System.Net.Http.Headers;
using System.Net.Http.Json;
using AgentLightning.Common;

namespace AgentLightning.Client.Delivery;

/// <summary>Asks a server.</summary>
internal sealed class HttpReleaseSource : IReleaseSource, IDisposable
{
    private readonly HttpClient _http;
    private readonly string _root;
    private readonly AuthenticationHeaderValue? _key;

    public HttpReleaseSource(LightningClientOptions options)
    {
        _http = new HttpClient(
            options.Handler
                ?? new SocketsHttpHandler
                {
                    AllowAutoRedirect = false,
                    UseCookies = false,
                    ActivityHeadersPropagator = null,
                },
            disposeHandler: options.Handler is null
        )
        {
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = 64 * 1024,
        };
        _root = (options.Endpoint ?? LightningClientOptions.DefaultEndpoint).AbsoluteUri.TrimEnd('/');
        _key = options.ApiKey is null ? null : new AuthenticationHeaderValue("Bearer", options.ApiKey);
    }

    public async Task<SelectedRelease> SelectAsync(string agentId, string? sessionId, CancellationToken cancellationToken)
    {
        var session = sessionId is null ? "" : $"&session_id={Uri.EscapeDataString(sessionId)}";
        using var request = new HttpRequestMessage(
            HttpMethod.Get,
            $"{_root}/api/lightning/deployments/selected?agent_id={Uri.EscapeDataString(agentId)}{session}"
        );
        request.Headers.Authorization = _key;
        using var response = await _http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<SelectedRelease>(LightningJson.Options, cancellationToken).ConfigureAwait(false)
            ?? SelectedRelease.Base;
    }

    public void Dispose() => _http.Dispose();
}
