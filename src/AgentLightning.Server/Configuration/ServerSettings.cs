using System.Globalization;
using AgentLightning.Retention;

namespace AgentLightning.Server.Configuration;

/// <summary>One key of the configuration.</summary>
/// <param name="Key">Its name in <c>lightning.json</c>; <c>LIGHTNING_KEY</c> in the environment and <c>--key</c>, with dashes, on the
/// command line.</param>
/// <param name="Description">What it does, with the unit.</param>
/// <param name="Range">What it may be.</param>
/// <param name="Default">What it is unless said.</param>
public sealed record ServerSetting(string Key, string Description, string Range, string Default)
{
    public string Option => "--" + Key.Replace('_', '-');

    public string Variable => "LIGHTNING_" + Key.ToUpperInvariant();

    /// <summary>True for a setting that is on when it is named without a value.</summary>
    public bool IsSwitch => Range == "true or false";

    /// <summary>The options with this value, or null when it is none.</summary>
    internal Func<LightningServerOptions, string, LightningServerOptions?> Set { get; init; } = (_, _) => null;

    /// <summary>The value as it is, when it is out of range; otherwise null.</summary>
    internal Func<LightningServerOptions, string?> OutOfRange { get; init; } = _ => null;

    internal string? Mistake(LightningServerOptions options) => OutOfRange(options) is { } value ? Complaint(value) : null;

    internal string Complaint(string value) => $"{Option} ({Variable}, or {Key} in lightning.json) must be {Range}, but it is '{value}'.";
}

/// <summary>Everything that can be set for <c>lightning serve</c>.</summary>
public static class ServerSettings
{
    public static IReadOnlyList<ServerSetting> All { get; } =
    [
        new("urls", "Addresses to listen on, separated by semicolons.", "http addresses", LightningServerOptions.DefaultUrl)
        {
            Set = (options, value) => options with { Urls = value },
        },
        new(
            "store",
            "The store: the path of a SQLite file, or the connection string of a PostgreSQL database (Host=…;Database=…).",
            "a path or a connection string",
            "lightning.db"
        )
        {
            Set = (options, value) => options with { Lightning = options.Lightning with { Store = value } },
        },
        Seconds(
            "lock_wait_seconds",
            "How long a write waits while another process holds the SQLite file, in seconds.",
            1,
            600,
            options => options.Lightning.LockWait,
            (options, value) => options with { Lightning = options.Lightning with { LockWait = value } }
        ),
        Days(
            "retain_payloads_days",
            "Days after which the texts of episodes and the bodies of spans are removed; 0 keeps them.",
            options => options.Lightning.Retention.PayloadAge,
            (retention, age) => retention with { PayloadAge = age }
        ),
        Days(
            "retain_days",
            "Days after which episodes and traces are removed whole, with rewards and feedback; 0 keeps them.",
            options => options.Lightning.Retention.EpisodeAge,
            (retention, age) => retention with { EpisodeAge = age }
        ),
        new(
            "allow_anonymous",
            "Serve a store without API keys to other machines: anybody who reaches the address can read and change everything.",
            "true or false",
            "false"
        )
        {
            Set = (options, value) => bool.TryParse(value, out var on) ? options with { AllowAnonymous = on } : null,
        },
        new(
            "allowed_hosts",
            "Names beside those of the machine, separated by semicolons, by which clients and pages reach a server: a proxy's, for example.",
            "host names",
            "none"
        )
        {
            Set = (options, value) =>
                options with
                {
                    AllowedHosts = value.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
                },
        },
        Number(
            "max_body_bytes",
            "Largest body of a request, in bytes.",
            1_024,
            1_073_741_824,
            options => options.MaxBodyBytes,
            (options, value) => options with { MaxBodyBytes = value }
        ),
        Number(
            "max_connections",
            "Connections at once; for one more the one that has waited longest for a request is closed.",
            1,
            1_000_000,
            options => options.MaxConnections,
            (options, value) => options with { MaxConnections = (int)value }
        ),
        Number(
            "max_connections_per_address",
            "The same of one client address.",
            1,
            1_000_000,
            options => options.MaxConnectionsPerAddress,
            (options, value) => options with { MaxConnectionsPerAddress = (int)value }
        ),
        Number(
            "rate_limit",
            "Requests a minute of one API key, or of one client address without a key.",
            1,
            1_000_000_000,
            options => options.RateLimit,
            (options, value) => options with { RateLimit = (int)value }
        ),
        Number(
            "loopback_rate_limit",
            "The same for clients on this machine.",
            1,
            1_000_000_000,
            options => options.LoopbackRateLimit,
            (options, value) => options with { LoopbackRateLimit = (int)value }
        ),
        Seconds(
            "header_timeout_seconds",
            "How long a client may take to send the headers of a request, in seconds.",
            1,
            600,
            options => options.HeaderTimeout,
            (options, value) => options with { HeaderTimeout = value }
        ),
        Seconds(
            "keep_alive_seconds",
            "How long an idle connection is kept, in seconds.",
            1,
            3_600,
            options => options.KeepAlive,
            (options, value) => options with { KeepAlive = value }
        ),
        Seconds(
            "drain_seconds",
            "How long requests that run may take to finish when the server ends, in seconds.",
            0,
            600,
            options => options.Drain,
            (options, value) => options with { Drain = value }
        ),
        Seconds(
            "drain_notice_seconds",
            "How long the server goes on serving after it was told to end, while /health/ready answers 503, in seconds.",
            0,
            600,
            options => options.DrainNotice,
            (options, value) => options with { DrainNotice = value }
        ),
    ];

    private static ServerSetting Number(
        string key,
        string description,
        long least,
        long most,
        Func<LightningServerOptions, long> get,
        Func<LightningServerOptions, long, LightningServerOptions> set
    ) =>
        new(
            key,
            description,
            string.Create(CultureInfo.InvariantCulture, $"a whole number from {least} to {most}"),
            get(new LightningServerOptions()).ToString(CultureInfo.InvariantCulture)
        )
        {
            // What is out of range may not fit the field either.
            Set = (options, value) =>
                long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
                && number >= least
                && number <= most
                    ? set(options, number)
                    : null,
            OutOfRange = options =>
                get(options) is var number && number >= least && number <= most ? null : number.ToString(CultureInfo.InvariantCulture),
        };

    private static ServerSetting Seconds(
        string key,
        string description,
        long least,
        long most,
        Func<LightningServerOptions, TimeSpan> get,
        Func<LightningServerOptions, TimeSpan, LightningServerOptions> set
    ) =>
        Number(
            key,
            description,
            least,
            most,
            options => (long)Math.Ceiling(get(options).TotalSeconds),
            (options, value) => set(options, TimeSpan.FromSeconds(value))
        );

    private static ServerSetting Days(
        string key,
        string description,
        Func<LightningServerOptions, TimeSpan?> get,
        Func<RetentionOptions, TimeSpan?, RetentionOptions> set
    ) =>
        Number(
            key,
            description,
            0,
            36_500,
            options => (long)Math.Ceiling((get(options) ?? TimeSpan.Zero).TotalDays),
            (options, value) =>
                options with
                {
                    Lightning = options.Lightning with
                    {
                        Retention = set(options.Lightning.Retention, value == 0 ? null : TimeSpan.FromDays(value)),
                    },
                }
        );
}
