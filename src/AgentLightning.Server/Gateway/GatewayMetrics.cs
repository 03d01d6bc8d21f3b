using System.Diagnostics;
using System.Diagnostics.Metrics;
using AgentLightning.Common;
using AgentLightning.Episodes;

namespace AgentLightning.Server.Gateway;

/// <summary>What the gateway measures; the names are in docs/operations/metrics.md and stay as they are.</summary>
internal sealed class GatewayMetrics
{
    private readonly Counter<long> _calls,
        _retries,
        _truncated;

    private readonly Histogram<double> _firstTokens;

    public GatewayMetrics(LightningMeter lightning, CaptureRoom room)
    {
        var meter = lightning.Meter;
        _calls = meter.CreateCounter<long>("lightning.gateway.calls", "{call}", "Calls of models, by route, upstream and outcome.");
        _retries = meter.CreateCounter<long>(
            "lightning.gateway.retries",
            "{attempt}",
            "Attempts beyond the first, by upstream that failed."
        );
        _truncated = meter.CreateCounter<long>("lightning.gateway.truncated", "{call}", "Answers that broke off after they had begun.");
        _firstTokens = meter.CreateHistogram(
            "lightning.gateway.first_token.duration",
            "s",
            "Time to the first part of a streamed answer, by upstream.",
            tags: null,
            advice: LightningMeter.Durations
        );
        meter.CreateObservableCounter("lightning.gateway.uncaptured", () => room.Missed, "{call}", "Calls for whose capture was no room.");
        meter.CreateObservableGauge(
            "lightning.gateway.capture",
            () => room.Used,
            "By",
            "Bytes of calls under way that are kept for capture."
        );
    }

    public void Answered(ModelRoute route, string upstream, CallEnd end)
    {
        var tags = new TagList
        {
            { "route", route.Path() },
            { "upstream", upstream },
            { "outcome", EnumText.Of(end.Status) },
        };
        _calls.Add(1, tags);
        if (end.Truncated && end.Status == EpisodeStatus.Failed)
        {
            _truncated.Add(1, new KeyValuePair<string, object?>("upstream", upstream));
        }

        if (end.FirstTokenMs is { } first)
        {
            _firstTokens.Record(first / 1_000, new KeyValuePair<string, object?>("upstream", upstream));
        }
    }

    public void Retried(string upstream) => _retries.Add(1, new KeyValuePair<string, object?>("upstream", upstream));
}
