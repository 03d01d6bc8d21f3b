using System.Diagnostics;
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
    private const int WarmUp = 600;
    private const int Connections = 8;

    public static Task<IReadOnlyList<Figure>> RunAsync()
    {
        var load = new OtlpLoad();
        return EachStore.RunAsync((engine, store) => RunAsync(load, engine, store, engine == "SQLite" ? 20_000 : 10_000));
    }

    private static async Task<IReadOnlyList<Figure>> RunAsync(OtlpLoad load, string engine, string store, double limit)
    {
        double seconds,
            peak,
            cpu;
        using (var server = await ServerProcess.StartAsync(store))
        {
            await load.SendAsync(server.Url, WarmUp, Connections);
            var (start, before) = (Stopwatch.GetTimestamp(), server.CpuTime);
            await load.SendAsync(server.Url, Requests, Connections);
            seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            (peak, cpu) = (server.PeakMegabytes, (server.CpuTime - before).TotalMicroseconds / (Requests * OtlpLoad.SpansOfRequest));
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
                $"durable spans of {load.BytesOfSpan / 1000:0.0} kB on {engine}, {stored} stored",
                Requests * OtlpLoad.SpansOfRequest / seconds,
                "spans/s",
                limit
            ),
            // What two cores have for a span at that rate; who sends and the database share them.
            Figure.AtMost("otlp", $"processor time of the server for a span, with {engine}", cpu, "µs", 2_000_000 / limit),
            Figure.AtMost("otlp", $"peak memory of the server on {engine}", peak, "MB", 400),
        ];
    }
}
