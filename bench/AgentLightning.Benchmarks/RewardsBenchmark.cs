using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace AgentLightning.Benchmarks;

/// <summary>
/// Rewards a second that a server process stores one request at a time, each on disk before it is answered; every one is counted in the
/// store afterwards. Beside it, in the same run, what the engine alone does: the same rows by a prepared statement, in transactions of as
/// many as there are connections.
/// </summary>
internal static class RewardsBenchmark
{
    private const int Connections = 32;
    private const int Rewards = 24_000;
    private const int WarmUp = 2_000;
    private const int Episodes = 2_000;

    /// <summary>A request is read, checked, redacted, answered and sent by this process; a raw row is only written.</summary>
    private const double ShareOfRaw = 0.12;

    public static Task<IReadOnlyList<Figure>> RunAsync() => EachStore.RunAsync(async (engine, store) => [await RunAsync(engine, store)]);

    private static async Task<Figure> RunAsync(string engine, string store)
    {
        using var server = await ServerProcess.StartAsync(store);
        var lines = new StringBuilder();
        for (var i = 0; i < Episodes; i++)
        {
            lines.Append(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{{\"type\":\"episode\",\"id\":\"e{i}\",\"agent_id\":\"bench\",\"user_input\":\"question "
                        + $"{i}\",\"assistant_output\":\"answer\"}}\n"
                )
            );
        }

        using (
            var captured = await server.Http.PostAsync(
                "/api/lightning/capture",
                new StringContent(lines.ToString(), Encoding.UTF8, "application/x-ndjson")
            )
        )
        {
            captured.EnsureSuccessStatusCode();
        }

        await SendAsync(server.Http, 0, WarmUp);
        var start = Stopwatch.GetTimestamp();
        await SendAsync(server.Http, WarmUp, Rewards);
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;

        // One current reward for each episode and evaluator.
        using var stats = JsonDocument.Parse(await server.Http.GetStringAsync("/api/lightning/stats?agent_id=bench"));
        var stored = stats.RootElement.GetProperty("statistics").GetProperty("total_rewards").GetInt64();
        await server.StopAsync();
        var raw = await RawAsync(store);
        return stored == Rewards + WarmUp
            ? Figure.AtLeast(
                "rewards",
                $"durable POST /rewards over {Connections} connections on {engine}, {stored} stored; raw inserts do {raw:0} rows/s",
                Rewards / seconds,
                "requests/s",
                ShareOfRaw * raw
            )
            : throw new InvalidOperationException($"{Rewards + WarmUp} rewards were acknowledged, but {stored} are stored.");
    }

    private static async Task<double> RawAsync(string store)
    {
        await using var raw = await RawStore.OpenAsync(store);
        await raw.RunAsync(
            "CREATE TABLE raw_rewards (id TEXT PRIMARY KEY, episode_id TEXT NOT NULL, agent_id TEXT NOT NULL, source TEXT NOT NULL, "
                + "evaluator TEXT NOT NULL, value DOUBLE PRECISION NOT NULL, is_current INTEGER NOT NULL, created_at BIGINT NOT NULL)"
        );
        return await raw.InsertAsync(
            "INSERT INTO raw_rewards VALUES (@p0, @p1, @p2, @p3, @p4, @p5, @p6, @p7)",
            i =>
                [
                    Guid.CreateVersion7().ToString("D"),
                    string.Create(CultureInfo.InvariantCulture, $"e{i % Episodes}"),
                    "bench",
                    "eval_score",
                    string.Create(CultureInfo.InvariantCulture, $"v{i / Episodes}"),
                    (i % 3) - 1.0,
                    1,
                    1_767_225_600_000_000L + i,
                ],
            Rewards,
            Connections
        );
    }

    private static async Task SendAsync(HttpClient http, int from, int count)
    {
        var next = from - 1;
        await Task.WhenAll(
            Enumerable
                .Range(0, Connections)
                .Select(async _ =>
                {
                    for (var i = Interlocked.Increment(ref next); i < from + count; i = Interlocked.Increment(ref next))
                    {
                        var body = string.Create(
                            CultureInfo.InvariantCulture,
                            $"{{\"episode_id\":\"e{i % Episodes}\",\"reward\":{(i % 3) - 1},\"source\":\"eval_score\",\"evaluator\":\"v{i / Episodes}\"}}"
                        );
                        using var content = new StringContent(body, Encoding.UTF8, "application/json");
                        using var answer = await http.PostAsync("/api/lightning/rewards", content);
                        answer.EnsureSuccessStatusCode();
                    }
                })
        );
    }
}
