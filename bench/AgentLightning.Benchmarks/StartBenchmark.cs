using System.Diagnostics;

namespace AgentLightning.Benchmarks;

/// <summary>
/// Milliseconds from the start of the server's process to the first answer that needs its store, beside those of a server that does
/// nothing, started in turns with it.
/// </summary>
internal static class StartBenchmark
{
    private const int Starts = 7;
    private const double MostTimesBare = 1.5;

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("lightning-bench-").FullName;
        var (times, bare) = (new List<double>(), new List<double>());
        for (var i = 0; i < Starts; i++)
        {
            bare.Add(await MeasureAsync(BareServer.StartAsync, "/"));
            times.Add(await MeasureAsync(() => ServerProcess.StartAsync(Path.Combine(folder, "lightning.db")), "/api/lightning/stats"));
        }

        Directory.Delete(folder, recursive: true);
        times.Sort();
        bare.Sort();
        return
        [
            Figure.AtMost(
                "start",
                $"process start to first answer, median of {Starts}, beside {MostTimesBare} × a bare server",
                times[Starts / 2],
                "ms",
                MostTimesBare * bare[Starts / 2]
            ),
        ];
    }

    private static async Task<double> MeasureAsync(Func<Task<ServerProcess>> startAsync, string path)
    {
        var start = Stopwatch.GetTimestamp();
        using var server = await startAsync();
        using var answer = await server.Http.GetAsync(path);
        answer.EnsureSuccessStatusCode();
        var time = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        await server.StopAsync();
        return time;
    }
}
