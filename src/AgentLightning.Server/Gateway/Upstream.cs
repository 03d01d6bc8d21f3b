using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Polly;
using Polly.CircuitBreaker;

namespace AgentLightning.Server.Gateway;

/// <summary>A model server: its connections, its key, and whether it is worth asking.</summary>
/// <remarks>Any thread may use it.</remarks>
internal sealed class Upstream : IDisposable
{
    /// <summary>A shorter key would be found in texts that have nothing to do with it.</summary>
    private const int ShortestKey = 8;

    private static readonly TimeSpan s_sampling = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_break = TimeSpan.FromSeconds(5);
    private readonly string _url;
    private readonly byte[] _key;
    private readonly string? _keyText;
    private readonly HttpMessageInvoker _http;
    private readonly bool _isSecure;

    public Upstream(string name, UpstreamOptions options, GatewayOptions gateway, TimeProvider time)
    {
        (Name, Options) = (name, options);
        _url = options.Url.TrimEnd('/');
        _isSecure = _url.StartsWith("https", StringComparison.OrdinalIgnoreCase);
        _keyText = options.ReadKey(Environment.GetEnvironmentVariable);
        _key = Encoding.UTF8.GetBytes(_keyText ?? "");
        Budget = new RetryBudget(gateway.RetryPercent);
        _http = new HttpMessageInvoker(
            new SocketsHttpHandler
            {
                // A key goes to the address that was set, and nowhere else.
                AllowAutoRedirect = false,
                UseCookies = false,
                UseProxy = HasProxy(options.Url),
                AutomaticDecompression = DecompressionMethods.None,
                ActivityHeadersPropagator = null,
                ConnectTimeout = options.ConnectTimeout,
                PooledConnectionLifetime = TimeSpan.FromMinutes(5),
                EnableMultipleHttp2Connections = true,
                // An answer that nobody reads any more is ended, and not read to its end.
                ResponseDrainTimeout = TimeSpan.FromMilliseconds(100),
            }
        );
        Breaker = new ResiliencePipelineBuilder<Attempt> { TimeProvider = time }
            .AddCircuitBreaker(
                new CircuitBreakerStrategyOptions<Attempt>
                {
                    FailureRatio = gateway.BreakPercent / 100.0,
                    MinimumThroughput = 10,
                    SamplingDuration = s_sampling,
                    BreakDuration = s_break,
                    ShouldHandle = outcome => ValueTask.FromResult(outcome.Outcome.Result is { IsOfUpstream: true }),
                }
            )
            .Build();
    }

    public string Name { get; }

    public UpstreamOptions Options { get; }

    /// <summary>Leaves it alone for a while when most attempts fail.</summary>
    public ResiliencePipeline<Attempt> Breaker { get; }

    public RetryBudget Budget { get; }

    /// <summary>How many bytes of an answer must be seen together for the key to be found; 0 for no key.</summary>
    public int KeyLength => _key.Length < ShortestKey ? 0 : _key.Length;

    /// <summary>Sends a request and gives the answer as soon as its headers are there.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        _http.SendAsync(request, cancellationToken);

    /// <summary>A request for one of its routes, with its key and headers.</summary>
    public HttpRequestMessage NewRequest(HttpMethod method, string route)
    {
        var request = new HttpRequestMessage(method, _url + route)
        {
            Version = _isSecure ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        if (_keyText is { Length: > 0 } key)
        {
            var isBearer = Options.KeyHeader.Equals("authorization", StringComparison.OrdinalIgnoreCase);
            request.Headers.TryAddWithoutValidation(Options.KeyHeader, isBearer ? $"Bearer {key}" : key);
        }

        foreach (var (name, value) in Options.Headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }

    /// <summary>Puts stars in the place of the key, wherever an upstream says it again.</summary>
    public void Scrub(Span<byte> bytes)
    {
        if (KeyLength == 0)
        {
            return;
        }

        while (bytes.IndexOf(_key) is >= 0 and var at)
        {
            bytes.Slice(at, _key.Length).Fill((byte)'*');
            bytes = bytes[(at + _key.Length)..];
        }
    }

    /// <summary>The same of a text.</summary>
    public string Scrubbed(string text) => KeyLength == 0 ? text : text.Replace(_keyText!, "***", StringComparison.Ordinal);

    /// <summary>Whether a value holds the key.</summary>
    public bool Tells(string value) => KeyLength > 0 && value.Contains(_keyText!, StringComparison.Ordinal);

    public void Dispose() => _http.Dispose();

    /// <summary>Servers on this machine are asked directly.</summary>
    private static bool HasProxy(string url) => !(Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.IsLoopback);
}
