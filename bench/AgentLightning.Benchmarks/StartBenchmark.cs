using System.Diagnostics;

namespace AgentLightning.Benchmarks;

/// <summary>Milliseconds from the start of the server's process to the first answer that needs its store.</summary>
internal static class StartBenchmark
{
    private const int Starts = 7;

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("lightning-bench-").FullName;
        var times = new List<double>();
        for (var i = 0; i < Starts; i++)
        {
            var start = Stopwatch.GetTimestamp();
            using var server = await ServerProcess.StartAsync(Path.Combine(folder, "lightning.db"));
            using var answer = await server.Http.GetAsync("/api/lightning/stats?agent_id=none");
            answer.EnsureSuccessStatusCode();
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            await server.StopAsync();
        }

        Directory.Delete(folder, recursive: true);
        times.Sort();
        return [Figure.AtMost("start", $"process start to first answer, median of {Starts}", times[Starts / 2], "ms", 1_000)];
    }
}
