using AgentLightning.Server.Gateway;

namespace AgentLightning.Server.Configuration;

/// <summary>Turns the settings of the gateway into options, and back.</summary>
internal static class GatewayMap
{
    public static GatewayOptions ToOptions(this GatewaySettings settings) =>
        new()
        {
            DefaultUpstream = NullIfEmpty(settings.DefaultUpstream),
            Capture = settings.Capture,
            CaptureBytes = settings.CaptureBytes,
            Attempts = settings.Attempts,
            RetryPercent = settings.RetryPercent,
            LongestWait = TimeSpan.FromSeconds(settings.LongestWaitSeconds),
            HoldBack = TimeSpan.FromSeconds(settings.HoldBackSeconds),
            BreakPercent = settings.BreakPercent,
            MonthlySpend = settings.MonthlySpend,
            Upstreams = settings.Upstreams.ToDictionary(upstream => upstream.Key, upstream => upstream.Value.ToOptions()),
            Agents = settings.Agents.ToDictionary(
                agent => agent.Key,
                agent => new GatewayAgentOptions { BaseModel = agent.Value.BaseModel.Trim() }
            ),
        };

    public static GatewaySettings ToSettings(this GatewayOptions options) =>
        new()
        {
            DefaultUpstream = options.DefaultUpstream ?? "",
            Capture = options.Capture,
            CaptureBytes = options.CaptureBytes,
            Attempts = options.Attempts,
            RetryPercent = options.RetryPercent,
            LongestWaitSeconds = options.LongestWait.TotalSeconds,
            HoldBackSeconds = options.HoldBack.TotalSeconds,
            BreakPercent = options.BreakPercent,
            MonthlySpend = options.MonthlySpend,
            Upstreams = options.Upstreams.ToDictionary(upstream => upstream.Key, upstream => upstream.Value.ToSettings()),
            Agents = options.Agents.ToDictionary(
                agent => agent.Key,
                agent => new GatewayAgentSettings { BaseModel = agent.Value.BaseModel }
            ),
        };

    private static UpstreamOptions ToOptions(this UpstreamSettings settings) =>
        new()
        {
            Url = settings.Url,
            KeyVariable = NullIfEmpty(settings.KeyVariable),
            KeyFile = NullIfEmpty(settings.KeyFile),
            KeyHeader = settings.KeyHeader,
            Models = settings.Models.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
            Headers = settings.Headers,
            Priority = settings.Priority,
            ConnectTimeout = TimeSpan.FromSeconds(settings.ConnectTimeoutSeconds),
            Timeout = TimeSpan.FromSeconds(settings.TimeoutSeconds),
            IdleTimeout = TimeSpan.FromSeconds(settings.IdleTimeoutSeconds),
            InputPrice = settings.InputPrice,
            OutputPrice = settings.OutputPrice,
            TokenIds = settings.TokenIds,
            StreamUsage = settings.StreamUsage,
        };

    private static UpstreamSettings ToSettings(this UpstreamOptions options) =>
        new()
        {
            Url = options.Url,
            KeyVariable = options.KeyVariable ?? "",
            KeyFile = options.KeyFile ?? "",
            KeyHeader = options.KeyHeader,
            Models = string.Join(';', options.Models),
            Headers = new Dictionary<string, string>(options.Headers),
            Priority = options.Priority,
            ConnectTimeoutSeconds = (int)Math.Ceiling(options.ConnectTimeout.TotalSeconds),
            TimeoutSeconds = (int)Math.Ceiling(options.Timeout.TotalSeconds),
            IdleTimeoutSeconds = (int)Math.Ceiling(options.IdleTimeout.TotalSeconds),
            InputPrice = options.InputPrice,
            OutputPrice = options.OutputPrice,
            TokenIds = options.TokenIds,
            StreamUsage = options.StreamUsage,
        };

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
