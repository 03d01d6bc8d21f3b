using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Configuration;

namespace AgentLightning.Server.Configuration;

internal sealed class GatewaySettings
{
    [Setting("The upstream of models that no upstream lists; the only one is it without being named.", Range = "a name of an upstream")]
    [ConfigurationKeyName("default_upstream")]
    public string DefaultUpstream { get; init; } = "";

    [Setting("Whether calls through the gateway become episodes.")]
    [ConfigurationKeyName("capture")]
    public bool Capture { get; init; }

    [Setting("Bytes of calls under way that are kept for their episodes; a call without room in it is not captured, and counted.")]
    [Range(1_048_576, 17_179_869_184L)]
    [ConfigurationKeyName("capture_bytes")]
    public long CaptureBytes { get; init; }

    [Setting("Attempts at one call before it fails, the first included; only while nothing of an answer has been sent.")]
    [Range(1, 10)]
    [ConfigurationKeyName("attempts")]
    public int Attempts { get; init; }

    [Setting("Attempts beyond the first, in percent of the calls of the last time.")]
    [Range(0, 100)]
    [ConfigurationKeyName("retry_percent")]
    public int RetryPercent { get; init; }

    [Setting("Longest wait before another attempt, in seconds; an upstream that asks for more is not asked again.")]
    [Range(0.0, 60.0)]
    [ConfigurationKeyName("longest_wait_seconds")]
    public double LongestWaitSeconds { get; init; }

    [Setting("How long the first events of a stream are held back while nothing of the answer is in them, in seconds.")]
    [Range(0.0, 60.0)]
    [ConfigurationKeyName("hold_back_seconds")]
    public double HoldBackSeconds { get; init; }

    [Setting("Failures, in percent of at least ten attempts in 10 s, after which an upstream is left alone for 5 s.")]
    [Range(1, 100)]
    [ConfigurationKeyName("break_percent")]
    public int BreakPercent { get; init; }

    [Setting("What the calls of one API key may cost in a calendar month (UTC), in the currency of the prices; 0 for no limit.")]
    [Range(0.0, 1_000_000_000.0)]
    [ConfigurationKeyName("monthly_spend")]
    public double MonthlySpend { get; init; }

    [ConfigurationKeyName("upstreams")]
    public Dictionary<string, UpstreamSettings> Upstreams { get; init; } = [];

    [ConfigurationKeyName("agents")]
    public Dictionary<string, GatewayAgentSettings> Agents { get; init; } = [];
}

/// <summary>One server that speaks OpenAI's protocol.</summary>
internal sealed class UpstreamSettings
{
    [Setting("Address up to the routes, such as https://api.openai.com/v1; required.", Range = "an http address")]
    [ConfigurationKeyName("url")]
    public string Url { get; init; } = "";

    [Setting("Environment variable that holds the key.", Range = "a variable")]
    [ConfigurationKeyName("key_variable")]
    public string KeyVariable { get; init; } = "";

    [Setting("File that holds the key.", Range = "a path")]
    [ConfigurationKeyName("key_file")]
    public string KeyFile { get; init; } = "";

    [Setting("Header of the key: a bearer's in authorization, bare in another, such as api-key.", Range = "a header")]
    [ConfigurationKeyName("key_header")]
    public string KeyHeader { get; init; } = "authorization";

    [Setting(
        "Models it serves, separated by semicolons; NAME* for all that begin so, ASKED=THEIRS where it has another name.",
        Range = "names of models"
    )]
    [ConfigurationKeyName("models")]
    public string Models { get; init; } = "";

    [Setting("Of several upstreams that serve a model, the lowest is asked first.")]
    [Range(0, 1_000)]
    [ConfigurationKeyName("priority")]
    public int Priority { get; init; } = 100;

    [Setting("How long a connection may take, in seconds.")]
    [Range(1, 300)]
    [ConfigurationKeyName("connect_timeout_seconds")]
    public int ConnectTimeoutSeconds { get; init; } = 5;

    [Setting("How long the first byte of an answer may take, in seconds.")]
    [Range(1, 86_400)]
    [ConfigurationKeyName("timeout_seconds")]
    public int TimeoutSeconds { get; init; } = 600;

    [Setting("How long an answer that has begun may pause, in seconds.")]
    [Range(1, 86_400)]
    [ConfigurationKeyName("idle_timeout_seconds")]
    public int IdleTimeoutSeconds { get; init; } = 120;

    [Setting("Price of a million tokens that are read.")]
    [Range(0.0, 1_000_000.0)]
    [ConfigurationKeyName("input_price")]
    public double InputPrice { get; init; }

    [Setting("Price of a million tokens that are written.")]
    [Range(0.0, 1_000_000.0)]
    [ConfigurationKeyName("output_price")]
    public double OutputPrice { get; init; }

    [Setting("Whether token ids are asked for (return_token_ids of vLLM), for capture; callers that do not ask do not see them.")]
    [ConfigurationKeyName("token_ids")]
    public bool TokenIds { get; init; }

    [Setting("Whether streams are asked for their usage, for capture; callers that do not ask do not see it.")]
    [ConfigurationKeyName("stream_usage")]
    public bool StreamUsage { get; init; } = true;

    [Setting("Headers that are sent with each request: names and values.", Range = "an object")]
    [ConfigurationKeyName("headers")]
    public Dictionary<string, string> Headers { get; init; } = [];
}

/// <summary>What is known of an agent that is asked as a model.</summary>
internal sealed class GatewayAgentSettings
{
    [Setting("Who answers without a release; required.", Range = "a model at an upstream, or local:FOLDER")]
    [ConfigurationKeyName("base_model")]
    public string BaseModel { get; init; } = "";
}
