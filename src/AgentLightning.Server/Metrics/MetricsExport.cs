using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Server.Access;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;

namespace AgentLightning.Server.Metrics;

/// <summary>Shows what the product measures, as Prometheus text, and sends it on where that was asked for.</summary>
internal static class MetricsExport
{
    /// <summary>Sets of labels of one instrument; what comes with others is counted together, so that memory stays bounded.</summary>
    private const int MostSeries = 1_000;

    public static void AddMetricsExport(this IServiceCollection services, LightningServerOptions options)
    {
        services
            .AddOpenTelemetry()
            .WithMetrics(metrics =>
            {
                metrics
                    .AddMeter(LightningMeter.Name)
                    .AddPrometheusExporter(prometheus =>
                    {
                        prometheus.ScopeInfoEnabled = false;
                        prometheus.TargetInfoEnabled = false;
                        prometheus.ScrapeResponseCacheDurationMilliseconds = 0;
                    });
                if (options.MetricsEndpoint is { } endpoint)
                {
                    metrics.AddOtlpExporter(otlp => otlp.Endpoint = new Uri(endpoint));
                }
            });
        // Two servers in one process have meters of one name.
        services.ConfigureOpenTelemetryMeterProvider(
            (provider, metrics) =>
            {
                var meter = provider.GetRequiredService<LightningMeter>().Meter;
                metrics.AddView(instrument =>
                    ReferenceEquals(instrument.Meter, meter)
                        ? new MetricStreamConfiguration { CardinalityLimit = MostSeries }
                        : MetricStreamConfiguration.Drop
                );
            }
        );
    }

    public static void MapMetrics(this IEndpointRouteBuilder routes) =>
        routes.MapPrometheusScrapingEndpoint("/metrics").RequiresRole(Role.Read, AgentRule.NoRecords);
}
