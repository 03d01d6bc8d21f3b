using AgentLightning.Access;
using AgentLightning.Server.Configuration;
using AgentLightning.Server.Gateway;

namespace AgentLightning.Server;

/// <summary>How the server is reached, what it serves and what it takes.</summary>
public sealed record LightningServerOptions
{
    /// <summary>Where it listens unless told otherwise.</summary>
    public const string DefaultUrl = ListenAddresses.DefaultUrl;

    /// <summary>
    /// Addresses to listen on. Others than loopback addresses need an API key in the store, or <see cref="AllowAnonymous"/>.
    /// </summary>
    public string Urls { get; init; } = DefaultUrl;

    /// <summary>
    /// Addresses for OpenTelemetry over gRPC, such as <c>http://127.0.0.1:4317</c>, on ports of their own; none by default. What holds for
    /// <see cref="Urls"/> holds for them.
    /// </summary>
    public string OtlpGrpcUrls { get; init; } = "";

    /// <summary>All addresses, those for gRPC last.</summary>
    internal string AllUrls => OtlpGrpcUrls.Length == 0 ? Urls : $"{Urls};{OtlpGrpcUrls}";

    public LightningOptions Lightning { get; init; } = new();

    /// <summary>
    /// Whether to serve a store without keys to others than this machine; false by default. Once there is a key, it is demanded in any
    /// case.
    /// </summary>
    public bool AllowAnonymous { get; init; }

    /// <summary>
    /// Names, beside those of its machine, by which clients know the server: of a proxy in front of it, for example. A server without keys
    /// answers to no others, and pages of no others may change anything. None by default.
    /// </summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>Largest body of a request in bytes, 1,024…1,073,741,824; 8 MiB by default.</summary>
    public long MaxBodyBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>
    /// Connections at once, 1…1,000,000; 1,000 by default. For one more the one that has waited longest for a request is closed, or the new
    /// one where all are at work.
    /// </summary>
    public int MaxConnections { get; init; } = 1_000;

    /// <summary>The same of one client address, 1…1,000,000; 500 by default.</summary>
    public int MaxConnectionsPerAddress { get; init; } = 500;

    /// <summary>Requests a minute of one key, or of one client address without a key, 1…1,000,000,000; 60,000 by default.</summary>
    public int RateLimit { get; init; } = 60_000;

    /// <summary>The same for clients on this machine, 1…1,000,000,000; 10,000,000 by default, which load tests do not reach.</summary>
    public int LoopbackRateLimit { get; init; } = 10_000_000;

    /// <summary>How long a client may take to send the headers of a request, 1…600 s; 5 s by default.</summary>
    public TimeSpan HeaderTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long an idle connection is kept, 1…3,600 s; 120 s by default.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>How long requests that run may take to finish when the server ends, 0…600 s; 30 s by default.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long the server goes on taking requests after it was told to end, while <c>/health/ready</c> says that it ends, 0…600 s; 0 s by
    /// default.
    /// </summary>
    public TimeSpan DrainNotice { get; init; }

    /// <summary>The model servers behind the gateway.</summary>
    public GatewayOptions Gateway { get; init; } = new();

    /// <summary>Where metrics are sent to as well, by OTLP over gRPC: an http address; null, the default, for nowhere.</summary>
    public string? MetricsEndpoint { get; init; }

    /// <summary>Everything that is wrong with the options, each with the value seen.</summary>
    internal IReadOnlyList<string> Mistakes()
    {
        var mistakes = ListenAddresses.Mistakes(Urls).ToList();
        if (OtlpGrpcUrls.Length > 0)
        {
            mistakes.AddRange(ListenAddresses.Mistakes(OtlpGrpcUrls, "otlp_grpc_urls"));
            if (ListenAddresses.Ports(OtlpGrpcUrls) is var ports && (ports.Contains(0) || ports.Overlaps(ListenAddresses.Ports(Urls))))
            {
                mistakes.Add($"otlp_grpc_urls must name ports of its own, not 0 and none of --urls ({Urls}), but it is '{OtlpGrpcUrls}'.");
            }
        }

        if (MetricsEndpoint is { } endpoint && !(Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"))
        {
            mistakes.Add($"metrics.otlp_endpoint must be an address such as http://collector:4317, but it is '{endpoint}'.");
        }

        var ranges = SettingTable.Mistakes(this);
        mistakes.AddRange(ranges.Select(mistake => mistake.Text));
        mistakes.AddRange(Gateway.Mistakes(Environment.GetEnvironmentVariable));
        // What is out of its range is not told a second time.
        mistakes.AddRange(
            Lightning
                .Mistakes()
                .Where(mistake => !ranges.Any(range => range.Setting.Key.Split('.')[0] == mistake.Section))
                .Select(mistake => mistake.Text)
        );
        if (ranges.Count == 0 && Lightning.Budget.OfConnection < MaxBodyBytes + Lightning.Traces.LargestBody)
        {
            mistakes.Add(
                $"limits.budget_bytes ({Lightning.Budget.Bytes}) must be larger: the share of one connection is "
                    + $"{Lightning.Budget.OfConnection} bytes, and must hold limits.max_body_bytes and traces.largest_body_bytes "
                    + $"({MaxBodyBytes} + {Lightning.Traces.LargestBody})."
            );
        }

        return mistakes;
    }
}
