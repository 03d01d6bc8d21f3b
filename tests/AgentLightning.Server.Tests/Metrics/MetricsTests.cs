using System.Net;
using AgentLightning.Common;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server.Tests;

public sealed class MetricsTests
{
    [Fact]
    public async Task A_scrape_is_prometheus_text_and_counts_what_happened()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        for (var i = 0; i < 3; i++)
        {
            await server.TriageAsync("text of ada@example.com", $"e{i}");
        }

        await server.RewardAsync("e0", 1);
        await server.RefusedAsync(HttpStatusCode.NotFound, "/api/lightning/rewards", new { episode_id = "nobody", reward = 1 });

        using var response = await server.Http.GetAsync("/metrics");
        var metrics = PrometheusParser.Parse(await response.Content.ReadAsStringAsync());

        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.Equal(
            3,
            metrics.Value("lightning_http_requests_total", ("method", "POST"), ("route", "/api/lightning/triage"), ("status", "200"))
        );
        Assert.Equal(
            1,
            metrics.Value("lightning_http_requests_total", ("method", "POST"), ("route", "/api/lightning/rewards"), ("status", "404"))
        );
        Assert.Equal(
            3,
            metrics.Value("lightning_http_request_duration_seconds_count", ("method", "POST"), ("route", "/api/lightning/triage"))
        );
        Assert.Equal(3, metrics.Value("lightning_episodes_recorded_total"));
        Assert.Equal(0, metrics.Value("lightning_episodes_dropped_total"));
        Assert.True(metrics.Value("lightning_redactions_total") >= 3);
        Assert.Equal(0, metrics.Value("lightning_recorder_queue_length"));
        Assert.Equal(1, metrics.Value("lightning_rewards_total", ("source", "human_approval")));
        Assert.Equal(1, metrics.Value("lightning_http_requests_active"));
        Assert.True(metrics.Value("lightning_store_write_duration_seconds_count") >= 4);
        Assert.True(metrics.Value("lightning_process_memory_bytes") > 1_000_000);
        Assert.Equal("histogram", metrics.Types["lightning_http_request_duration_seconds"]);
    }

    [Fact]
    public async Task Every_metric_of_the_server_is_in_the_document_of_metrics()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        await server.TriageAsync("x", "e");
        await server.RewardAsync("e", 1);
        var document = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "operations", "metrics.md"));

        var metrics = PrometheusParser.Parse(await server.Http.GetStringAsync("/metrics"));

        Assert.All(metrics.Types, metric => Assert.Contains($"| `{metric.Key}` | {metric.Value} |", document, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Two_servers_in_one_process_measure_apart()
    {
        using var folder = new TemporaryFolder();
        await using var one = await ServerUnderTest.StartAsync(folder.File("one.db"));
        await using var two = await ServerUnderTest.StartAsync(folder.File("two.db"));
        await one.TriageAsync("x");

        Assert.Equal(1, PrometheusParser.Parse(await one.Http.GetStringAsync("/metrics")).Value("lightning_episodes_recorded_total"));
        Assert.Equal(0, PrometheusParser.Parse(await two.Http.GetStringAsync("/metrics")).Value("lightning_episodes_recorded_total"));
    }

    [Fact]
    public async Task Whatever_a_label_holds_it_reads_back_as_it_was()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        const string Nasty = "a\\b\"c\nd{e=\"f\"} 1€🙂,";
        server
            .App.Services.GetRequiredService<LightningMeter>()
            .Meter.CreateCounter<long>("my.counter", "{thing}", "Back\\slash.")
            .Add(5, new KeyValuePair<string, object?>("a.b", Nasty));

        var metrics = PrometheusParser.Parse(await server.Http.GetStringAsync("/metrics"));

        Assert.Equal(5, metrics.Value("my_counter_total", ("a_b", Nasty)));
        Assert.Equal("Back\\slash.", metrics.Help["my_counter_total"]);
    }

    [Fact]
    public async Task The_number_of_series_is_bounded_and_what_is_beyond_is_counted_together()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        var counter = server.App.Services.GetRequiredService<LightningMeter>().Meter.CreateCounter<long>("count");
        for (var i = 0; i < 1_500; i++)
        {
            counter.Add(1, new KeyValuePair<string, object?>("who", i));
        }

        var metrics = PrometheusParser.Parse(await server.Http.GetStringAsync("/metrics"));

        Assert.Equal(1_001, metrics.Samples.Count(sample => sample.Key.StartsWith("count_total", StringComparison.Ordinal)));
        Assert.Equal(500, metrics.Value("count_total", ("otel_metric_overflow", "true")));
    }
}
