using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Configuration;

namespace AgentLightning.Server.Configuration;

/// <summary>
/// Everything that can be set, in the shape of <c>lightning.json</c>. The .NET options binder fills it; what the values mean is
/// <see cref="LightningServerOptions"/>.
/// </summary>
internal sealed class Settings
{
    [Setting("Addresses to listen on, separated by semicolons.", Range = "http addresses")]
    [ConfigurationKeyName("urls")]
    public string Urls { get; init; } = "";

    [Setting("Addresses for OTLP over gRPC, with ports of their own, separated by semicolons.", Range = "http addresses")]
    [ConfigurationKeyName("otlp_grpc_urls")]
    public string OtlpGrpcUrls { get; init; } = "";

    [Setting(
        "The store: the path of a SQLite file, or the connection string of a PostgreSQL database (Host=…;Database=…).",
        Range = "a path or a connection string"
    )]
    [ConfigurationKeyName("store")]
    public string Store { get; init; } = "";

    [Setting("Serve a store without API keys to other machines: anybody who reaches the address can read and change everything.")]
    [ConfigurationKeyName("allow_anonymous")]
    public bool AllowAnonymous { get; init; }

    [Setting(
        "Names beside those of the machine, separated by semicolons, by which clients and pages reach a server: a proxy's, for example.",
        Range = "host names"
    )]
    [ConfigurationKeyName("allowed_hosts")]
    public string AllowedHosts { get; init; } = "";

    [Setting("Whether releases answer; otherwise the base model does, whatever was promoted. USE_TUNED_MODEL says the same.")]
    [ConfigurationKeyName("use_tuned_model")]
    public bool UseTunedModel { get; init; }

    [Setting(
        "What a million tokens read and written cost, by model, such as gpt-4o=2.5/10;gpt-4o-mini=0.15/0.6; guards compare cost by it.",
        Range = "models with two prices from 0 to 1000000"
    )]
    [ConfigurationKeyName("prices")]
    public string Prices { get; init; } = "";

    [ConfigurationKeyName("limits")]
    public LimitSettings Limits { get; init; } = new();

    [ConfigurationKeyName("drain")]
    public DrainSettings Drain { get; init; } = new();

    [ConfigurationKeyName("retention")]
    public RetentionSettings Retention { get; init; } = new();

    [ConfigurationKeyName("redaction")]
    public RedactionSettings Redaction { get; init; } = new();

    [ConfigurationKeyName("datasets")]
    public DatasetSettings Datasets { get; init; } = new();

    [ConfigurationKeyName("gate")]
    public GateSettings Gate { get; init; } = new();

    [ConfigurationKeyName("guard")]
    public GuardSettings Guard { get; init; } = new();

    [ConfigurationKeyName("traces")]
    public TraceSettings Traces { get; init; } = new();

    [ConfigurationKeyName("training")]
    public TrainingSettings Training { get; init; } = new();

    [ConfigurationKeyName("models")]
    public ModelSettings Models { get; init; } = new();

    [ConfigurationKeyName("recorder")]
    public RecorderSettings Recorder { get; init; } = new();

    [ConfigurationKeyName("gateway")]
    public GatewaySettings Gateway { get; init; } = new();

    [ConfigurationKeyName("metrics")]
    public MetricsSettings Metrics { get; init; } = new();
}

internal sealed class LimitSettings
{
    [Setting("Largest body of a request, in bytes.")]
    [Range(1_024, 1_073_741_824)]
    [ConfigurationKeyName("max_body_bytes")]
    public long MaxBodyBytes { get; init; }

    [Setting("Connections at once; for one more the one that has waited longest for a request is closed.")]
    [Range(1, 1_000_000)]
    [ConfigurationKeyName("max_connections")]
    public int MaxConnections { get; init; }

    [Setting("The same of one client address.")]
    [Range(1, 1_000_000)]
    [ConfigurationKeyName("max_connections_per_address")]
    public int MaxConnectionsPerAddress { get; init; }

    [Setting("Requests a minute of one API key, or of one client address without a key.")]
    [Range(1, 1_000_000_000)]
    [ConfigurationKeyName("rate_limit")]
    public int RateLimit { get; init; }

    [Setting("The same for clients on this machine.")]
    [Range(1, 1_000_000_000)]
    [ConfigurationKeyName("loopback_rate_limit")]
    public int LoopbackRateLimit { get; init; }

    [Setting("How long a client may take to send the headers of a request, in seconds.")]
    [Range(1, 600)]
    [ConfigurationKeyName("header_timeout_seconds")]
    public int HeaderTimeoutSeconds { get; init; }

    [Setting("How long an idle connection is kept, in seconds.")]
    [Range(1, 3_600)]
    [ConfigurationKeyName("keep_alive_seconds")]
    public int KeepAliveSeconds { get; init; }

    [Setting("How long a write waits while another process holds the SQLite file, in seconds.")]
    [Range(1, 600)]
    [ConfigurationKeyName("lock_wait_seconds")]
    public int LockWaitSeconds { get; init; }

    [Setting("Bytes of requests that may be in memory at once, of all doors together.")]
    [Range(1_048_576, 17_179_869_184L)]
    [ConfigurationKeyName("budget_bytes")]
    public long BudgetBytes { get; init; }

    [Setting("What one API key, or one client address without a key, may hold of it, in percent.")]
    [Range(1, 100)]
    [ConfigurationKeyName("key_share_percent")]
    public int KeySharePercent { get; init; }

    [Setting("What one connection may hold of it, in percent.")]
    [Range(1, 100)]
    [ConfigurationKeyName("connection_share_percent")]
    public int ConnectionSharePercent { get; init; }

    [Setting("How long a request waits for room in it before the answer is 503 with Retry-After, in seconds.")]
    [Range(0, 60)]
    [ConfigurationKeyName("budget_wait_seconds")]
    public int BudgetWaitSeconds { get; init; }
}

internal sealed class DrainSettings
{
    [Setting("How long requests that run may take to finish when the server ends, in seconds.")]
    [Range(0, 600)]
    [ConfigurationKeyName("seconds")]
    public int Seconds { get; init; }

    [Setting("How long the server goes on serving after it was told to end, while /health/ready answers 503, in seconds.")]
    [Range(0, 600)]
    [ConfigurationKeyName("notice_seconds")]
    public int NoticeSeconds { get; init; }
}

internal sealed class RetentionSettings
{
    [Setting("Days after which the texts of episodes and the bodies of spans are removed; 0 keeps them.")]
    [Range(0, 36_500)]
    [ConfigurationKeyName("payloads_days")]
    public int PayloadsDays { get; init; }

    [Setting("Days after which episodes and traces are removed whole, with rewards and feedback; 0 keeps them.")]
    [Range(0, 36_500)]
    [ConfigurationKeyName("days")]
    public int Days { get; init; }

    [Setting("How often a server looks for what is too old, in minutes.")]
    [Range(1, 10_080)]
    [ConfigurationKeyName("interval_minutes")]
    public int IntervalMinutes { get; init; }
}

internal sealed class RedactionSettings
{
    [Setting("Whether passwords, keys and tokens are taken out of texts before they are written.")]
    [ConfigurationKeyName("secrets")]
    public bool Secrets { get; init; }

    [Setting("Whether addresses, telephone, card and account numbers and national ids are.")]
    [ConfigurationKeyName("pii")]
    public bool Pii { get; init; }

    [Setting(
        "A secret with which the same value always gets the same placeholder, such as [EMAIL:ab12cd34]; in the file or the environment.",
        Range = "at least 16 characters",
        Secret = true
    )]
    [ConfigurationKeyName("pseudonym_key")]
    public string PseudonymKey { get; init; } = "";

    [ConfigurationKeyName("agents")]
    public Dictionary<string, AgentRedactionSettings> Agents { get; init; } = [];
}

/// <summary>What holds for one agent.</summary>
internal sealed class AgentRedactionSettings
{
    [Setting("Whether passwords, keys and tokens are taken out of its texts.")]
    [ConfigurationKeyName("secrets")]
    public bool Secrets { get; init; } = true;

    [Setting("Whether personal data is.")]
    [ConfigurationKeyName("pii")]
    public bool Pii { get; init; } = true;
}

internal sealed class DatasetSettings
{
    [Setting("Share of a data set to learn from where its request does not say; the rest is held out.")]
    [Range(0.5, 0.95)]
    [ConfigurationKeyName("train_split")]
    public double TrainSplit { get; init; }

    [Setting("Least reward of an answer that conversations are learned from.")]
    [Range(-1.0, 1.0)]
    [ConfigurationKeyName("min_reward")]
    public double MinReward { get; init; }

    [Setting("Most rows of a data set, the most rewarded first.")]
    [Range(1, 5_000_000)]
    [ConfigurationKeyName("max_examples")]
    public int MaxExamples { get; init; }

    [Setting("Whether calls of tools and their results are part of conversations.")]
    [ConfigurationKeyName("include_tools")]
    public bool IncludeTools { get; init; }

    [Setting("Put before conversations that have no system message.", Range = "a text")]
    [ConfigurationKeyName("system_prompt")]
    public string SystemPrompt { get; init; } = "";
}

internal sealed class GateSettings
{
    [Setting("How much worse than the baseline a candidate might be, at the lower end of the interval.")]
    [Range(0.0, 0.5)]
    [ConfigurationKeyName("margin")]
    public double Margin { get; init; }

    [Setting("Fewest held-out items on which a candidate is judged.")]
    [Range(10, 1_000_000)]
    [ConfigurationKeyName("fewest_items")]
    public int FewestItems { get; init; }

    [Setting("The chance that a candidate worse by the margin is let through, over all looks at one held-out set together.")]
    [Range(0.001, 0.2)]
    [ConfigurationKeyName("alpha")]
    public double Alpha { get; init; }
}

internal sealed class GuardSettings
{
    [Setting("Fewest rewards of a release, and of the one before it, before the guard judges.")]
    [Range(5, 100_000)]
    [ConfigurationKeyName("fewest_rewards")]
    public int FewestRewards { get; init; }

    [Setting("Newest rewards that the running mean is taken over, at least guard.fewest_rewards.")]
    [Range(5, 1_000_000)]
    [ConfigurationKeyName("window")]
    public int Window { get; init; }

    [Setting("Fall of the mean reward below the release before that is tolerated.")]
    [Range(0.0, 2.0)]
    [ConfigurationKeyName("tolerance")]
    public double Tolerance { get; init; }

    [Setting("Chance of a false alarm over the life of a release.")]
    [Range(0.0001, 0.2)]
    [ConfigurationKeyName("alpha")]
    public double Alpha { get; init; }
}

internal sealed class TraceSettings
{
    [Setting("How long a trace whose root has arrived must be quiet before its episode is read, in seconds.")]
    [Range(0.0, 3_600.0)]
    [ConfigurationKeyName("root_quiet_seconds")]
    public double RootQuietSeconds { get; init; }

    [Setting("How long a trace without a root must be quiet, in seconds; at least traces.root_quiet_seconds.")]
    [Range(0.0, 86_400.0)]
    [ConfigurationKeyName("quiet_seconds")]
    public double QuietSeconds { get; init; }

    [Setting("A trace that is never quiet is read so long after its first span, in seconds.")]
    [Range(1.0, 86_400.0)]
    [ConfigurationKeyName("longest_open_seconds")]
    public double LongestOpenSeconds { get; init; }

    [Setting("Spans that come up to so long after the first reading change the episode, in seconds.")]
    [Range(0.0, 2_592_000.0)]
    [ConfigurationKeyName("late_window_seconds")]
    public double LateWindowSeconds { get; init; }

    [Setting("How often due traces are looked for, in milliseconds.")]
    [Range(10, 60_000)]
    [ConfigurationKeyName("read_interval_milliseconds")]
    public int ReadIntervalMilliseconds { get; init; }

    [Setting("Spans and log records of one trace that an episode is read out of, earliest first.")]
    [Range(1, 100_000)]
    [ConfigurationKeyName("most_spans")]
    public int MostSpans { get; init; }

    [Setting("Largest OTLP body after inflation, in bytes.")]
    [Range(1_024, 1_073_741_824)]
    [ConfigurationKeyName("largest_body_bytes")]
    public int LargestBodyBytes { get; init; }

    [Setting("Bytes of spans that are kept in memory until their episode is read; what has no room is read back from the store.")]
    [Range(0, 4_294_967_296L)]
    [ConfigurationKeyName("fresh_bytes")]
    public long FreshBytes { get; init; }

    [Setting("Most spans of one transaction; a request is never divided.")]
    [Range(1, 100_000)]
    [ConfigurationKeyName("group_size")]
    public int GroupSize { get; init; }

    [Setting("The agent of spans that name none.", Range = "an agent's id")]
    [ConfigurationKeyName("default_agent")]
    public string DefaultAgent { get; init; } = "";
}

internal sealed class TrainingSettings
{
    [Setting("Training runs that this server executes at once; 0 leaves them to others.")]
    [Range(0, 64)]
    [ConfigurationKeyName("parallel_runs")]
    public int ParallelRuns { get; init; }

    [Setting("How often a run is saved, for another server to go on with, in seconds.")]
    [Range(1, 86_400)]
    [ConfigurationKeyName("checkpoint_seconds")]
    public int CheckpointSeconds { get; init; }
}

internal sealed class ModelSettings
{
    [Setting("The folder with a folder for each base model, under the name by which runs and requests name it.", Range = "a folder")]
    [ConfigurationKeyName("folder")]
    public string Folder { get; init; } = "";

    [Setting("Tuned models that are kept in memory while nobody uses them.")]
    [Range(0, 64)]
    [ConfigurationKeyName("most_loaded")]
    public int MostLoaded { get; init; }
}

internal sealed class RecorderSettings
{
    [Setting("Episodes that may wait to be written.")]
    [Range(1, 1_000_000)]
    [ConfigurationKeyName("capacity")]
    public int Capacity { get; init; }

    [Setting("Bytes of the episodes that may wait to be written.")]
    [Range(1_048_576, 17_179_869_184L)]
    [ConfigurationKeyName("capacity_bytes")]
    public long CapacityBytes { get; init; }

    [Setting("Most episodes of one transaction.")]
    [Range(1, 10_000)]
    [ConfigurationKeyName("group_size")]
    public int GroupSize { get; init; }

    [Setting("How long an episode waits for room before it is dropped and counted, in seconds.")]
    [Range(0.0, 60.0)]
    [ConfigurationKeyName("full_wait_seconds")]
    public double FullWaitSeconds { get; init; }
}

internal sealed class MetricsSettings
{
    [Setting("Where metrics are sent to as well, by OTLP: a collector such as http://collector:4317.", Range = "an http address")]
    [ConfigurationKeyName("otlp_endpoint")]
    public string OtlpEndpoint { get; init; } = "";
}
