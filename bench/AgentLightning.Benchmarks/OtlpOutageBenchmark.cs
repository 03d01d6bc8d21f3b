using System.Diagnostics;
using System.Net;
using AgentLightning.Traces;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Benchmarks;

/// <summary>
/// The most memory a server takes while PostgreSQL is away for a minute and everybody goes on sending. What it took before, and after the
/// database is back, is counted in the store.
/// </summary>
internal static class OtlpOutageBenchmark
{
    private const int Connections = 32;
    private static readonly TimeSpan s_away = TimeSpan.FromSeconds(60);

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var load = new OtlpLoad();
        var folder = Directory.CreateTempSubdirectory("lightning-bench-").FullName;
        try
        {
            using var postgres = PostgresFolder.Start(Path.Combine(folder, "pg"));
            return postgres is null ? [] : [await RunAsync(load, postgres)];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<Figure> RunAsync(OtlpLoad load, PostgresFolder postgres)
    {
        int stored,
            refused;
        double peak;
        using (var server = await ServerProcess.StartAsync(postgres.ConnectionString))
        {
            (stored, _) = await SendAsync(server, load, TimeSpan.FromSeconds(3));
            postgres.Crash();
            (var during, refused) = await SendAsync(server, load, s_away);
            postgres.Start();
            var (after, _) = await SendAsync(server, load, TimeSpan.FromSeconds(3));
            stored += during + after;
            peak = server.PeakMegabytes;
            await server.StopAsync();
            if (after == 0)
            {
                throw new InvalidOperationException("Nothing was stored after the database was back.");
            }
        }

        await using var services = new ServiceCollection()
            .AddLogging()
            .AddLightningServices(new LightningOptions { Store = postgres.ConnectionString })
            .BuildServiceProvider();
        await services.OpenLightningAsync(create: false, CancellationToken.None);
        var found = await services.GetRequiredService<ITraceStore>().CountAsync(CancellationToken.None);
        // A batch that was on its way when the database went may be stored and yet not acknowledged.
        return found >= (long)stored * OtlpLoad.SpansOfRequest
            ? Figure.AtMost(
                "otlp-outage",
                $"peak memory of the server, PostgreSQL away for {s_away.TotalSeconds:0} s, {refused} batches of 100 spans refused "
                    + $"meanwhile, {stored} acknowledged and all stored",
                peak,
                "MB",
                400
            )
            : throw new InvalidOperationException(
                $"{(long)stored * OtlpLoad.SpansOfRequest} spans were acknowledged, but {found} are stored."
            );
    }

    /// <summary>
    /// How many batches were acknowledged, and how many refused with the time to come again, which this impatient client does not heed.
    /// </summary>
    private static async Task<(int Stored, int Refused)> SendAsync(ServerProcess server, OtlpLoad load, TimeSpan time)
    {
        var (stored, refused, start) = (0, 0, Stopwatch.GetTimestamp());
        await Task.WhenAll(
            Enumerable
                .Range(0, Connections)
                .Select(_ =>
                    Task.Run(async () =>
                    {
                        while (Stopwatch.GetElapsedTime(start) < time)
                        {
                            using var content = new ByteArrayContent(load.Next());
                            content.Headers.ContentType = new("application/x-protobuf");
                            using var answer = await server.Http.PostAsync("/v1/traces", content);
                            switch (answer.StatusCode)
                            {
                                case HttpStatusCode.OK:
                                    Interlocked.Increment(ref stored);
                                    break;
                                case HttpStatusCode.ServiceUnavailable
                                or HttpStatusCode.TooManyRequests when answer.Headers.RetryAfter is not null:
                                    Interlocked.Increment(ref refused);
                                    break;
                                default:
                                    throw new InvalidOperationException(
                                        $"A batch was answered with {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}"
                                    );
                            }
                        }
                    })
                )
        );
        return (stored, refused);
    }
}
