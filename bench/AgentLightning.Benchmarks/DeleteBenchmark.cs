using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using AgentLightning.Episodes;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Benchmarks;

/// <summary>
/// <c>lightning episodes delete</c> as a process of its own, on a store of ten million rows: of one user, and then of all. Meanwhile this
/// process writes episodes one at a time, and afterwards those, and no others, are there.
/// </summary>
internal static class DeleteBenchmark
{
    // With payloads and a reward for every fourth, 10,000,000 rows and some.
    private const int Episodes = 4_450_000;
    private const string Writer = "writer";

    public static Task<IReadOnlyList<Figure>> RunAsync() => EachStore.RunAsync(RunAsync);

    private static async Task<IReadOnlyList<Figure>> RunAsync(string engine, string store)
    {
        await ManyEpisodes.FillAsync(store, Episodes);
        await using var services = new ServiceCollection()
            .AddLogging()
            .AddLightningServices(new LightningOptions { Store = store })
            .BuildServiceProvider();
        await services.OpenLightningAsync(create: false, CancellationToken.None);
        var episodes = services.GetRequiredService<IEpisodeStore>();

        var (ofUser, userSeconds, _) = await DeleteAsync(store, ["--user-id", "u7"]);
        using var over = new CancellationTokenSource();
        var writing = WriteAsync(episodes, over.Token);
        var (ofAll, seconds, megabytes) = await DeleteAsync(store, ["--older-than-days", "1"]);
        await over.CancelAsync();
        var waits = await writing;
        waits.Sort();

        var left = await episodes.CountAsync(null, CancellationToken.None);
        var kept = await episodes.CountAsync(Writer, CancellationToken.None);
        return ofUser + ofAll == Episodes && left == waits.Count && kept == waits.Count
            ?
            [
                Figure.AtMost(
                    "delete",
                    $"the {ofUser} episodes of a user among {Episodes:N0} on {engine}, with the start of the process",
                    userSeconds,
                    "s",
                    5
                ),
                Figure.AtLeast("delete", $"all of {ofAll:N0} episodes on {engine}", ofAll / seconds, "episodes/s", 5_000),
                Figure.AtMost("delete", $"peak memory of what deletes, {engine}", megabytes, "MB", 400),
                Figure.AtMost(
                    "delete",
                    $"an episode written meanwhile, {waits.Count} of them on {engine}, 99 %",
                    waits[waits.Count * 99 / 100],
                    "ms",
                    1_000
                ),
            ]
            : throw new InvalidOperationException(
                $"{ofUser} and {ofAll} of {Episodes} episodes were deleted; {left} are left, of which {kept} of {waits.Count} that were "
                    + $"written meanwhile."
            );
    }

    /// <summary>How long each of the writes took, in milliseconds.</summary>
    private static async Task<List<double>> WriteAsync(IEpisodeStore episodes, CancellationToken over)
    {
        var waits = new List<double>();
        while (!over.IsCancellationRequested)
        {
            var start = Stopwatch.GetTimestamp();
            var i = waits.Count.ToString(CultureInfo.InvariantCulture);
            await episodes.AddAsync(
                [
                    new Episode
                    {
                        Id = $"w{i}",
                        AgentId = Writer,
                        UserInput = $"question {i}",
                        AssistantOutput = "answer",
                        RequestLatencyMs = 1,
                        CreatedAt = DateTimeOffset.UtcNow,
                        InputKey = $"w{i}",
                    },
                ],
                CancellationToken.None
            );
            waits.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        return waits;
    }

    private static async Task<(long Removed, double Seconds, double Megabytes)> DeleteAsync(string store, string[] chosen)
    {
        var start = Stopwatch.GetTimestamp();
        using var process = Process.Start(
            new ProcessStartInfo(ServerProcess.Host, [ServerProcess.Program, "episodes", "delete", .. chosen, "--store", store, "--json"])
            {
                RedirectStandardOutput = true,
            }
        )!;
        using var sampling = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        var (reading, megabytes) = (process.StandardOutput.ReadToEndAsync(), 0.0);
        while (!reading.IsCompleted && await sampling.WaitForNextTickAsync())
        {
            megabytes = Math.Max(megabytes, ServerProcess.PeakMegabytesOf(process.Id) ?? 0);
        }

        await process.WaitForExitAsync();
        using var removed = JsonDocument.Parse(await reading);
        return (removed.RootElement.GetProperty("removed").GetInt64(), Stopwatch.GetElapsedTime(start).TotalSeconds, megabytes);
    }
}
