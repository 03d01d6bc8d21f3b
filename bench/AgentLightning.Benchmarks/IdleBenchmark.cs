namespace AgentLightning.Benchmarks;

/// <summary>
/// Processor time of a server that nobody asks anything, over a minute, in percent of a core; beside it, for comparison, that of a server
/// that does nothing.
/// </summary>
internal static class IdleBenchmark
{
    private const double MostPercent = 0.3;
    private static readonly TimeSpan s_rest = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_watched = TimeSpan.FromMinutes(1);

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("lightning-bench-").FullName;
        using var server = await ServerProcess.StartAsync(Path.Combine(folder, "lightning.db"));
        using var bare = await BareServer.StartAsync();
        using (var answer = await server.Http.GetAsync("/api/lightning/stats"))
        {
            answer.EnsureSuccessStatusCode();
        }

        // What starting left behind: code that is compiled again, the garbage of the start.
        await Task.Delay(s_rest);
        var (before, bareBefore) = (server.CpuTime, bare.CpuTime);
        await Task.Delay(s_watched);
        var (used, bareUsed) = (Percent(server.CpuTime - before), Percent(bare.CpuTime - bareBefore));

        await server.StopAsync();
        await bare.StopAsync();
        Directory.Delete(folder, recursive: true);
        return
        [
            Figure.AtMost("idle", "processor of an idle server over a minute", used, "% of a core", MostPercent),
            Figure.AtMost("idle", "the same of a server that does nothing", bareUsed, "% of a core", MostPercent),
        ];
    }

    private static double Percent(TimeSpan used) => Math.Max(0.01, used.TotalSeconds / s_watched.TotalSeconds * 100);
}
