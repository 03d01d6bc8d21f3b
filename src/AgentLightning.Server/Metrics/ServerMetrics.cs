using System.Diagnostics;
using System.Diagnostics.Metrics;
using AgentLightning.Audit;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Rewards;
using AgentLightning.Server.Access;
using AgentLightning.Server.Limits;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.Server.Metrics;

/// <summary>What the server measures; the names are in docs/operations/metrics.md and stay as they are.</summary>
internal sealed class ServerMetrics : IRewardObserver
{
    private static readonly string[] s_methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];
    private readonly Counter<long> _requests;
    private readonly Histogram<double> _durations;
    private readonly UpDownCounter<long> _active;
    private readonly Counter<long> _rewards;
    private readonly TimeProvider _time;

    public ServerMetrics(
        LightningMeter lightning,
        EpisodeRecorder recorder,
        RefusalLog refusals,
        AuditTrail audit,
        ByteBudget budget,
        ConnectionLimits connections,
        TimeProvider time
    )
    {
        _time = time;
        var meter = lightning.Meter;
        _requests = meter.CreateCounter<long>("lightning.http.requests", "{request}", "Requests answered, by method, route and status.");
        _durations = meter.CreateHistogram(
            "lightning.http.request.duration",
            "s",
            "Time to answer, by method and route.",
            tags: null,
            advice: LightningMeter.Durations
        );
        _active = meter.CreateUpDownCounter<long>("lightning.http.requests.active", "{request}", "Requests being answered.");
        _rewards = meter.CreateCounter<long>("lightning.rewards", "{reward}", "Rewards stored, by source.");
        meter.CreateObservableCounter("lightning.episodes.recorded", () => recorder.Recorded, "{episode}", "Episodes that are on disk.");
        meter.CreateObservableCounter("lightning.episodes.dropped", () => recorder.Dropped, "{episode}", "Episodes that were lost.");
        meter.CreateObservableCounter(
            "lightning.redactions",
            () => recorder.Redacted,
            "{part}",
            "Secrets and personal data taken out of episodes before they were written."
        );
        meter.CreateObservableGauge(
            "lightning.recorder.queue.length",
            () => recorder.Queued,
            "{episode}",
            "Episodes that wait to be written."
        );
        meter.CreateObservableGauge(
            "lightning.recorder.queue",
            () => recorder.QueuedBytes,
            "By",
            "Bytes of the episodes that wait to be written, about."
        );
        meter.CreateObservableGauge("lightning.budget.used", () => budget.Used, "By", "What requests hold of the budget of all doors.");
        meter.CreateObservableGauge("lightning.connections.open", () => connections.Open, "{connection}", "Connections that are open.");
        meter.CreateObservableCounter(
            "lightning.connections.closed",
            () => connections.Closed,
            "{connection}",
            "Connections closed because they were too many."
        );
        meter.CreateObservableCounter(
            "lightning.access.refused",
            () => refusals.Total,
            "{request}",
            "Requests refused for want of a key, a role or an agent, or as a foreign page's."
        );
        meter.CreateObservableCounter("lightning.audit.lost", () => audit.Lost, "{entry}", "Audit entries that could not be written.");
        meter.CreateObservableGauge("lightning.process.memory", () => Environment.WorkingSet, "By", "Resident memory of the process.");
        meter.CreateObservableGauge(
            "lightning.process.memory.managed",
            () => GC.GetTotalMemory(forceFullCollection: false),
            "By",
            "Memory of objects in the process."
        );
        meter.CreateObservableCounter(
            "lightning.process.cpu",
            () => Environment.CpuUsage.TotalTime.TotalSeconds,
            "s",
            "Processor time of the process."
        );
    }

    public async Task MeasureAsync(HttpContext context, RequestDelegate next)
    {
        // Before the endpoint runs: after an error the framework forgets which one it was.
        var route = context.GetEndpoint() is RouteEndpoint endpoint ? endpoint.RoutePattern.RawText! : "";
        var method = Array.Find(s_methods, known => known == context.Request.Method) ?? "other";
        var started = _time.GetTimestamp();
        _active.Add(1);
        try
        {
            await next(context);
        }
        finally
        {
            _active.Add(-1);
            var tags = new TagList { { "method", method }, { "route", route } };
            _durations.Record(_time.GetElapsedTime(started).TotalSeconds, tags);
            tags.Add("status", context.Response.StatusCode);
            _requests.Add(1, tags);
        }
    }

    public Task RewardedAsync(EpisodeOrigin episode, Reward reward, CancellationToken cancellationToken)
    {
        _rewards.Add(1, new KeyValuePair<string, object?>("source", EnumText.Of(reward.Source)));
        return Task.CompletedTask;
    }
}
