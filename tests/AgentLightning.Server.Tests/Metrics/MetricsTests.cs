using System.Diagnostics.Metrics;
using System.Net;
using AgentLightning.Server.Metrics;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;

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
    public void Whatever_a_label_or_a_help_text_holds_it_reads_back_as_it_was()
    {
        using var meter = new Meter("test");
        using var collector = new MetricsCollector(meter);
        const string Nasty = "a\\b\"c\nd{e=\"f\"} 1\r€🙂,";
        meter
            .CreateCounter<long>("my.counter-1", "{thing}", "Back\\slash and\nnew line \"quoted\".")
            .Add(5, new KeyValuePair<string, object?>("a.b", Nasty), new("le", "x"), new("9", null));

        var text = PrometheusText.Write(collector.Collect());
        var metrics = PrometheusParser.Parse(text);

        Assert.Equal(5, metrics.Value("my_counter_1_total", ("a_b", Nasty), ("label_le", "x"), ("_9", "")));
        Assert.Equal("Back\\slash and\nnew line \"quoted\".", metrics.Help["my_counter_1_total"]);
    }

    [Fact]
    public void A_histogram_adds_its_buckets_up_and_ends_with_infinity()
    {
        using var meter = new Meter("test");
        using var collector = new MetricsCollector(meter);
        var histogram = meter.CreateHistogram(
            "wait",
            "s",
            "Waits.",
            tags: null,
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.5, 1, 2.5] }
        );
        foreach (var value in new[] { 0.1, 0.5, 0.6, 2.5, 100 })
        {
            histogram.Record(value);
        }

        var metrics = PrometheusParser.Parse(PrometheusText.Write(collector.Collect()));

        Assert.Equal(
            [2.0, 3.0, 4.0, 5.0],
            new[] { "0.5", "1", "2.5", "+Inf" }.Select(bound => metrics.Value("wait_seconds_bucket", ("le", bound)))
        );
        Assert.Equal(5, metrics.Value("wait_seconds_count"));
        Assert.Equal(103.7, metrics.Value("wait_seconds_sum"), 1e-9);
    }

    [Fact]
    public void Each_kind_of_instrument_is_told_as_what_it_is()
    {
        using var meter = new Meter("test");
        using var collector = new MetricsCollector(meter);
        var level = 7.5;
        var counter = meter.CreateCounter<int>("count");
        var upDown = meter.CreateUpDownCounter<long>("level", "By");
        var gauge = meter.CreateGauge<double>("now");
        meter.CreateObservableGauge("seen", () => level);
        meter.CreateObservableCounter("told", () => new[] { new Measurement<long>(3, new KeyValuePair<string, object?>("k", "v")) });
        counter.Add(2);
        counter.Add(3);
        upDown.Add(10);
        upDown.Add(-4);
        gauge.Record(1);
        gauge.Record(double.NegativeInfinity);
        PrometheusText.Write(collector.Collect());
        level = 8;

        var metrics = PrometheusParser.Parse(PrometheusText.Write(collector.Collect()));

        Assert.Equal(
            (5, 6, 8, 3),
            (metrics.Value("count_total"), metrics.Value("level_bytes"), metrics.Value("seen"), metrics.Value("told_total", ("k", "v")))
        );
        Assert.Equal(double.NegativeInfinity, metrics.Value("now"));
        Assert.Equal(
            "counter gauge gauge gauge counter",
            string.Join(' ', new[] { "count_total", "level_bytes", "now", "seen", "told_total" }.Select(name => metrics.Types[name]))
        );
    }

    [Fact]
    public void The_number_of_series_is_bounded_and_what_is_beyond_is_counted_together()
    {
        using var meter = new Meter("test");
        using var collector = new MetricsCollector(meter, mostSeries: 10);
        var counter = meter.CreateCounter<long>("count");
        for (var i = 0; i < 1_000; i++)
        {
            counter.Add(1, new KeyValuePair<string, object?>("who", i));
        }

        var metrics = PrometheusParser.Parse(PrometheusText.Write(collector.Collect()));

        Assert.Equal(11, metrics.Samples.Count);
        Assert.Equal(990, metrics.Value("count_total", ("overflow", "true")));
    }

    [Fact]
    public void Measurements_of_many_threads_are_all_counted_whatever_the_order_of_their_labels()
    {
        using var meter = new Meter("test");
        using var collector = new MetricsCollector(meter);
        var counter = meter.CreateCounter<long>("count");

        Parallel.For(0, 10_000, i =>
        {
            KeyValuePair<string, object?> a = new("a", 1),
                b = new("b", 2);
            counter.Add(1, i % 2 == 0 ? a : b, i % 2 == 0 ? b : a);
        });

        Assert.Equal(
            10_000,
            PrometheusParser.Parse(PrometheusText.Write(collector.Collect())).Value("count_total", ("a", "1"), ("b", "2"))
        );
    }
}
