using AgentLightning.Common;
using AgentLightning.Governance;

namespace AgentLightning.Client;

/// <summary>
/// How an application captures. What the code sets holds over the environment, and the environment over the defaults. Wrong values are told
/// all at once, when the client is made.
/// </summary>
public sealed class LightningClientOptions
{
    /// <summary>Where a server listens unless told otherwise.</summary>
    public static readonly Uri DefaultEndpoint = new("http://127.0.0.1:4747");

    /// <summary>
    /// Whether anything is captured (<c>ENABLE_LIGHTNING_CAPTURE</c>). Null, the default: true where an endpoint or a store in the process
    /// is named, else false.
    /// </summary>
    public bool? Enabled { get; set; }

    /// <summary>Address of the server (<c>LIGHTNING_ENDPOINT</c>); null is <see cref="DefaultEndpoint"/>.</summary>
    public Uri? Endpoint { get; set; }

    /// <summary>Key that the server asks for (<c>LIGHTNING_API_KEY</c>); none by default. Sent as a bearer token.</summary>
    public string? ApiKey { get; set; }

    /// <summary>
    /// Whose work it is, unless a call says otherwise (<c>LIGHTNING_AGENT_ID</c>); <c>mcp-agents</c> by default, 1…200 characters without
    /// blanks.
    /// </summary>
    public string AgentId { get; set; } = "mcp-agents";

    /// <summary>
    /// Whether chat clients and agents answer with the release that serves the agent, and take part in its experiments
    /// (<c>USE_TUNED_MODEL</c>); false by default. Its model's name is then the <c>ModelId</c> of their calls.
    /// </summary>
    public bool UseTunedModel { get; set; }

    /// <summary>
    /// How long a session goes on with a release before it is asked again whether it still serves (<c>LIGHTNING_CACHE_TTL</c>, in seconds);
    /// 0…86,400 s, 60 s by default.
    /// </summary>
    public TimeSpan ReleaseCache { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Folder in which records wait while the server is away, in its sub-folders <c>spool-N</c> (<c>LIGHTNING_DATA_DIR</c>);
    /// <c>./data/finetune</c> by default. Empty keeps them in memory only.
    /// </summary>
    public string DataFolder { get; set; } = Path.Combine(".", "data", "finetune");

    /// <summary>
    /// Characters of a tool's result that are kept, <c>...[TRUNCATED]</c> follows (<c>LIGHTNING_MAX_OUTPUT_LENGTH</c>); 1…4,000,000, 10,000
    /// by default.
    /// </summary>
    public int MaxOutputLength { get; set; } = 10_000;

    /// <summary>
    /// What is taken out of texts before they leave the process or are written; everything by default.
    /// <c>LIGHTNING_REDACT_SECRETS=false</c> keeps secrets in.
    /// </summary>
    public RedactionOptions Redaction { get; set; } = new();

    /// <summary>
    /// Whether calls of embedding generators are captured (<c>LIGHTNING_CAPTURE_EMBEDDINGS</c>); false by default. Vectors are never kept.
    /// </summary>
    public bool CaptureEmbeddings { get; set; }

    /// <summary>
    /// The score from which an evaluation counts as passed (<c>LIGHTNING_EVAL_THRESHOLD</c>); 0…1 of the evaluation's range, 0.7 by
    /// default.
    /// </summary>
    public double EvalThreshold { get; set; } = 0.7;

    /// <summary>
    /// Milliseconds above which an episode gets <see cref="LatencyPenalty"/> (<c>LIGHTNING_LATENCY_THRESHOLD_MS</c>); 0…86,400,000, 10,000
    /// by default.
    /// </summary>
    public double LatencyThresholdMs { get; set; } = 10_000;

    /// <summary>Reward for an episode that took too long (<c>LIGHTNING_LATENCY_PENALTY</c>); −1…0, −0.1 by default. 0 gives none.</summary>
    public double LatencyPenalty { get; set; } = -0.1;

    /// <summary>
    /// Records that may wait for the exporter, 1…1,000,000; 8,192 by default. What comes when it is full is dropped and counted.
    /// </summary>
    public int QueueCapacity { get; set; } = 8_192;

    /// <summary>Bytes of text that may wait for the exporter, about; 64 kB…4 GB, 64 MB by default.</summary>
    public long QueueBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>Most records of a batch, 1…10,000; 256 by default.</summary>
    public int BatchRecords { get; set; } = 256;

    /// <summary>Bytes from which a batch is sent, before compression; 1 kB…4 MB, 1 MB by default.</summary>
    public int BatchBytes { get; set; } = 1024 * 1024;

    /// <summary>How long a record waits for others to share its batch, 0…60 s; 1 s by default.</summary>
    public TimeSpan BatchDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long one request may take, 0.1…600 s; 30 s by default.</summary>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long disposal waits for the server before it writes what is left to disk, 0…60 s; 5 s by default.</summary>
    public TimeSpan FlushTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Upper end of the first wait before a request is tried again; it doubles each time, and the wait is a random part of it. 1 ms…60 s;
    /// 0.5 s by default.
    /// </summary>
    public TimeSpan FirstRetry { get; set; } = TimeSpan.FromSeconds(0.5);

    /// <summary>
    /// Upper end of the longest wait, 1 ms…1 h; 30 s by default. <c>Retry-After</c> of the server may make a wait longer, up to 10 minutes.
    /// </summary>
    public TimeSpan LongestRetry { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Bytes of <see cref="DataFolder"/> that may be taken, 0…1 TB; 256 MB by default. What comes beyond is dropped and counted.
    /// </summary>
    public long SpoolBytes { get; set; } = 256 * 1024 * 1024;

    /// <summary>Speaks HTTP; the framework's own by default. The client does not dispose it.</summary>
    public HttpMessageHandler? Handler { get; set; }

    internal bool IsEnabled(bool hasStore) => Enabled ?? (hasStore || Endpoint is not null);

    /// <summary>Every value that cannot be right, with its range and what it is.</summary>
    internal IEnumerable<string> Problems()
    {
        var problems = new List<string>();
        Check(
            Endpoint is null || (Endpoint.IsAbsoluteUri && Endpoint.Scheme is "http" or "https"),
            nameof(Endpoint),
            $"an address such as {DefaultEndpoint}",
            Endpoint
        );
        Check(
            ApiKey is null || (ApiKey.Length is >= 1 and <= 1_000 && ApiKey.All(c => c is > ' ' and <= '~')),
            nameof(ApiKey),
            "1 to 1000 visible ASCII characters",
            $"{ApiKey?.Length} characters"
        );
        Check(
            AgentId is { Length: >= 1 and <= 200 } && !AgentId.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)),
            nameof(AgentId),
            "1 to 200 characters without blanks",
            $"{AgentId?.Length ?? 0} characters"
        );
        Check(
            DataFolder is not null && !DataFolder.Contains('\0', StringComparison.Ordinal),
            nameof(DataFolder),
            "the path of a folder, or empty",
            DataFolder
        );
        Check(MaxOutputLength is >= 1 and <= 4_000_000, nameof(MaxOutputLength), "from 1 to 4000000", MaxOutputLength);
        Check(Redaction is not null, nameof(Redaction), "given", null);
        Check(EvalThreshold is >= 0 and <= 1, nameof(EvalThreshold), "from 0 to 1", EvalThreshold);
        Check(LatencyThresholdMs is >= 0 and <= 86_400_000, nameof(LatencyThresholdMs), "from 0 to 86400000", LatencyThresholdMs);
        Check(LatencyPenalty is >= -1 and <= 0, nameof(LatencyPenalty), "from -1 to 0", LatencyPenalty);
        Check(QueueCapacity is >= 1 and <= 1_000_000, nameof(QueueCapacity), "from 1 to 1000000", QueueCapacity);
        Check(QueueBytes is >= 65_536 and <= 4L * 1024 * 1024 * 1024, nameof(QueueBytes), "from 65536 to 4294967296", QueueBytes);
        Check(BatchRecords is >= 1 and <= 10_000, nameof(BatchRecords), "from 1 to 10000", BatchRecords);
        Check(BatchBytes is >= 1024 and <= 4 * 1024 * 1024, nameof(BatchBytes), "from 1024 to 4194304", BatchBytes);
        Seconds(ReleaseCache, nameof(ReleaseCache), 0, 86_400);
        Seconds(BatchDelay, nameof(BatchDelay), 0, 60);
        Seconds(RequestTimeout, nameof(RequestTimeout), 0.1, 600);
        Seconds(FlushTimeout, nameof(FlushTimeout), 0, 60);
        Seconds(FirstRetry, nameof(FirstRetry), 0.001, 60);
        Seconds(LongestRetry, nameof(LongestRetry), 0.001, 3_600);
        Check(SpoolBytes is >= 0 and <= 1L << 40, nameof(SpoolBytes), "from 0 to 1099511627776", SpoolBytes);
        return problems;

        void Seconds(TimeSpan value, string name, double least, double most) =>
            Check(
                value.TotalSeconds >= least && value.TotalSeconds <= most,
                name,
                FormattableString.Invariant($"from {least} to {most} seconds"),
                value
            );

        void Check(bool good, string name, string range, object? value)
        {
            if (!good)
            {
                problems.Add(FormattableString.Invariant($"{name} must be {range}, but it is {value ?? "nothing"}."));
            }
        }
    }

    /// <summary>Throws <see cref="ErrorKind.Invalid"/> with every problem.</summary>
    internal void Validate(IEnumerable<string> others)
    {
        var problems = others.Concat(Problems()).ToList();
        if (problems.Count > 0)
        {
            throw LightningException.Invalid($"The options of capture are wrong. {string.Join(' ', problems)}");
        }
    }
}
