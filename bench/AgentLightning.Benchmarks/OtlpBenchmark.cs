using System.Diagnostics;
using System.Text.Json;
using AgentLightning.Traces;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Benchmarks;

/// <summary>
/// Spans a second that a server process has on disk, sent by this process; every span is counted in the store afterwards.
/// </summary>
internal static class OtlpBenchmark
{
    private const int Requests = 2_000;

    /// <summary>Until the compiler of the server has seen what is hot.</summary>
    private const int WarmUp = 3_000;
    private const int Connections = 8;

    /// <summary>Half of what a span cost before it was walked once.</summary>
    private const double MostMicroseconds = 65;

    /// <summary>One process that only inserts has a core for itself; the server shares two with who sends and the engine.</summary>
    private const double PartOfRaw = 0.35;

    public static Task<IReadOnlyList<Figure>> RunAsync()
    {
        var load = new OtlpLoad();
        return EachStore.RunAsync((engine, store) => RunAsync(load, engine, store));
    }

    private static async Task<IReadOnlyList<Figure>> RunAsync(OtlpLoad load, string engine, string store)
    {
        // What the machine gives at this hour; speeds of machines differ two-fold, and this line moves with them.
        var raw = await RawInserts.RowsOfSecondAsync(engine, store, load);
        double seconds,
            peak,
            cpu,
            whole;
        using (var server = await ServerProcess.StartAsync(store))
        {
            await load.SendAsync(server.Url, WarmUp, Connections);
            // Its episodes belong to the warm-up too, and not to what is measured.
            await ReadAllAsync(server);
            var (start, before) = (Stopwatch.GetTimestamp(), server.CpuTime);
            await load.SendAsync(server.Url, Requests, Connections);
            seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            cpu = (server.CpuTime - before).TotalMicroseconds / (Requests * OtlpLoad.SpansOfRequest);
            await ReadAllAsync(server);
            whole = (server.CpuTime - before).TotalMicroseconds / (Requests * OtlpLoad.SpansOfRequest);
            peak = server.PeakMegabytes;
            await server.StopAsync();
        }

        await using var services = new ServiceCollection()
            .AddLogging()
            .AddLightningServices(new LightningOptions { Store = store })
            .BuildServiceProvider();
        await services.OpenLightningAsync(create: false, CancellationToken.None);
        var stored = await services.GetRequiredService<ITraceStore>().CountAsync(CancellationToken.None);
        if (stored != (Requests + WarmUp) * OtlpLoad.SpansOfRequest)
        {
            throw new InvalidOperationException(
                $"{(Requests + WarmUp) * OtlpLoad.SpansOfRequest} spans were acknowledged, but {stored} are stored."
            );
        }

        return
        [
            Figure.AtLeast(
                "otlp",
                $"durable spans of {load.BytesOfSpan / 1000:0.0} kB on {engine}, {stored} stored; the limit is {PartOfRaw:0.##} of the "
                    + $"{raw:0} rows/s that prepared inserts of the same bytes reach in this run",
                Requests * OtlpLoad.SpansOfRequest / seconds,
                "spans/s",
                raw * PartOfRaw
            ),
            Figure.AtMost("otlp", $"processor time of the server for a span while all come, with {engine}", cpu, "µs", MostMicroseconds),
            Figure.AtMost("otlp", $"the same until all episodes are read, with {engine}", whole, "µs", MostMicroseconds),
            Figure.AtMost("otlp", $"peak memory of the server on {engine}", peak, "MB", 400),
        ];
    }

    /// <summary>Waits until no trace waits for its episode.</summary>
    private static async Task ReadAllAsync(ServerProcess server)
    {
        while (true)
        {
            using var report = JsonDocument.Parse(await server.Http.GetStringAsync("/api/lightning/diagnostics/traces"));
            if (report.RootElement.GetProperty("pending_traces").GetInt64() == 0)
            {
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(200));
        }
    }
}
