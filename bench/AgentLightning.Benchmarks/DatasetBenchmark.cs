using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using AgentLightning.Episodes;
using AgentLightning.Rewards;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Benchmarks;

/// <summary>
/// <c>lightning build-dataset</c> as a process of its own: conversations of rewarded episodes, of which every second has messages with a
/// call of a tool, four in a session, from payload rows in the page cache.
/// </summary>
/// <remarks><c>LIGHTNING_BENCH_EPISODES</c> says how many, 1,000,000 by default.</remarks>
internal static class DatasetBenchmark
{
    private const int Group = 5_000;
    private const int Words = 45;
    private static readonly DateTimeOffset s_from = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static Task<IReadOnlyList<Figure>> RunAsync() => EachStore.RunAsync(RunAsync);

    private static async Task<IReadOnlyList<Figure>> RunAsync(string engine, string store)
    {
        var count = Environment.GetEnvironmentVariable("LIGHTNING_BENCH_EPISODES") is { Length: > 0 } asked
            ? int.Parse(asked, CultureInfo.InvariantCulture)
            : 1_000_000;
        await FillAsync(store, count);
        // The first run brings the rows into the page cache.
        await BuildAsync(store, count);
        var (built, seconds, megabytes) = await BuildAsync(store, count);
        return
        [
            Figure.AtLeast(
                "dataset",
                $"{built:N0} of {count:N0} episodes into a data set on {engine}, with the start of the process",
                built / seconds,
                "episodes/s",
                100_000
            ),
            Figure.AtMost("dataset", $"peak memory of what builds it of {count:N0} episodes, {engine}", megabytes, "MB", 200),
        ];
    }

    private static async Task<(long Built, double Seconds, double Megabytes)> BuildAsync(string store, int count)
    {
        var start = Stopwatch.GetTimestamp();
        string[] command =
        [
            "build-dataset",
            "--agent-id",
            "shop",
            "--name",
            "bench",
            "--max-examples",
            $"{count}",
            "--json",
            "--store",
            store,
        ];
        using var process = Process.Start(
            new ProcessStartInfo(ServerProcess.Host, [ServerProcess.Program, .. command]) { RedirectStandardOutput = true }
        )!;
        using var sampling = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        var (reading, megabytes) = (process.StandardOutput.ReadToEndAsync(), 0.0);
        while (!reading.IsCompleted && await sampling.WaitForNextTickAsync())
        {
            megabytes = Math.Max(megabytes, ServerProcess.PeakMegabytesOf(process.Id) ?? 0);
        }

        await process.WaitForExitAsync();
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        using var answer = JsonDocument.Parse(await reading);
        Console.Error.WriteLine($"{seconds:0.00} s, {megabytes:0} MB: {await reading}");
        return (answer.RootElement.GetProperty("episode_count").GetInt64(), seconds, megabytes);
    }

    private static async Task FillAsync(string store, int count)
    {
        await using var services = new ServiceCollection()
            .AddLogging()
            .AddLightningServices(new LightningOptions { Store = store })
            .BuildServiceProvider();
        await services.OpenLightningAsync(create: true, CancellationToken.None);
        var (episodes, rewards) = (services.GetRequiredService<IEpisodeStore>(), services.GetRequiredService<IRewardStore>());
        var random = new Random(1);
        for (var first = 0; first < count; first += Group)
        {
            var group = Enumerable.Range(first, Math.Min(Group, count - first)).ToList();
            await episodes.AddAsync([.. group.Select(i => NewEpisode(i, random))], CancellationToken.None);
            await rewards.AddAsync([.. group.Select(NewReward)], CancellationToken.None);
        }
    }

    private static Episode NewEpisode(int i, Random random)
    {
        var (input, output) = (Text(random), Text(random));
        return new Episode
        {
            Id = $"0198c0de-0000-7000-8000-{i:000000000000}",
            AgentId = "shop",
            UserInput = input,
            AssistantOutput = output,
            CreatedAt = s_from.AddSeconds(i),
            RequestLatencyMs = i % 900,
            SessionId = $"session-{i / 4}",
            UserId = $"user-{i % 20_000}",
            Messages =
                i % 2 == 0
                    ? []
                    :
                    [
                        new EpisodeMessage("system", "You are the assistant of a shop. Be short, and say what you know."),
                        new EpisodeMessage("user", input),
                        new EpisodeMessage("assistant", null, ToolCalls: [new MessageToolCall("call_1", "track", """{"order":7}""")]),
                        new EpisodeMessage("tool", """{"state":"late"}""", ToolCallId: "call_1"),
                        new EpisodeMessage("assistant", output),
                    ],
        };
    }

    private static Reward NewReward(int i) =>
        new()
        {
            Id = $"r{i}",
            EpisodeId = $"0198c0de-0000-7000-8000-{i:000000000000}",
            AgentId = "shop",
            Source = RewardSource.HumanApproval,
            Value = ((long)i * 7919 % 21 / 20.0),
            CreatedAt = s_from.AddSeconds(i),
        };

    /// <summary>Some 300 characters.</summary>
    private static string Text(Random random) =>
        string.Join(' ', Enumerable.Range(0, Words).Select(_ => $"word{random.Next(4_000).ToString(CultureInfo.InvariantCulture)}"));
}
