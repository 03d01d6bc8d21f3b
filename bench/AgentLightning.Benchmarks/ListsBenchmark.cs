using System.Diagnostics;

namespace AgentLightning.Benchmarks;

/// <summary>
/// Milliseconds of lists, statistics and reports over HTTP, on a store of a million episodes of one year, a quarter of them rewarded. Beside
/// each, in the same run, the bare query that gives its rows or its sums, and a request that asks for nothing.
/// </summary>
internal static class ListsBenchmark
{
    private const int Episodes = 1_000_000;
    private const int Requests = 200;

    /// <summary>Times as long as the bare query and the bare request together.</summary>
    private const double Limit = 4;

    private const string Totals = "SUM(episodes), SUM(rewards), SUM(reward_sum), SUM(reward_squares) FROM daily_totals";
    private const string Year = "day BETWEEN 20089 AND 20453";

    public static Task<IReadOnlyList<Figure>> RunAsync() => EachStore.RunAsync(RunAsync);

    private static async Task<IReadOnlyList<Figure>> RunAsync(string engine, string store)
    {
        await ManyEpisodes.FillAsync(store, Episodes);
        using var server = await ServerProcess.StartAsync(store);
        const string Period = "start=2025-01-01&end=2025-12-31";
        const string Page = "SELECT * FROM episodes e LEFT JOIN episode_payloads p ON p.episode_id = e.id";
        const string Newest = "ORDER BY e.created_at DESC, e.id DESC LIMIT 50";
        var middle = $"e{Episodes / 2:0000000}";
        var deep = $"(e.created_at, e.id) < ((SELECT created_at FROM episodes WHERE id = '{middle}'), '{middle}')";
        (string What, Func<int, string> Path, string Bare)[] asked =
        [
            (
                "a page of episodes",
                i => $"/api/lightning/episodes?agent_id=agent{i % 2}&limit=50",
                $"{Page} WHERE e.agent_id = 'agent0' {Newest}"
            ),
            ("a page of all agents' episodes", _ => "/api/lightning/episodes?limit=50", $"{Page} {Newest}"),
            (
                "a page deep in the list",
                i => $"/api/lightning/episodes?agent_id=agent0&limit=50&before=e{i * (Episodes / 250):0000000}",
                $"{Page} WHERE e.agent_id = 'agent0' AND {deep} {Newest}"
            ),
            ("statistics", i => $"/api/lightning/stats?agent_id=agent{i % 2}", $"SELECT {Totals} WHERE agent_id = 'agent0'"),
            (
                "a page of rewards",
                i => $"/api/lightning/rewards?agent_id=agent{i % 2}&limit=50",
                "SELECT * FROM rewards WHERE agent_id = 'agent0' ORDER BY created_at DESC, id DESC LIMIT 50"
            ),
            (
                "rewards of a year by week",
                i => $"/api/lightning/monitoring/rewards?agent_id=agent{i % 2}&by=week&{Period}",
                $"SELECT day, {Totals} WHERE agent_id = 'agent0' AND {Year} GROUP BY day"
            ),
            (
                "rewards of a year by intent",
                i => $"/api/lightning/monitoring/rewards?agent_id=agent{i % 2}&by=intent&{Period}",
                $"SELECT intent, {Totals} WHERE agent_id = 'agent0' AND {Year} GROUP BY intent"
            ),
            (
                "submission rate of a year",
                i => $"/api/lightning/monitoring/submission-rate?agent_id=agent{i % 2}&{Period}",
                $"SELECT day, {Totals} WHERE agent_id = 'agent0' AND {Year} GROUP BY day"
            ),
            (
                "figures of all agents for the chat dashboard",
                _ => "/api/v1/admin/agent-lightning/stats",
                $"SELECT agent_id, day, {Totals} GROUP BY agent_id, day"
            ),
            (
                "low-reward patterns of a year",
                i => $"/api/lightning/monitoring/low-rewards?agent_id=agent{i % 2}&{Period}",
                $"SELECT day, intent, persona, {Totals} WHERE agent_id = 'agent0' AND {Year} GROUP BY day, intent, persona"
            ),
        ];
        await using var raw = await RawStore.OpenAsync(store);
        var figures = new List<Figure>();
        foreach (var (what, path, bare) in asked)
        {
            var (asking, query, nothing) = await MeasureAsync(server.Http, path, await raw.PrepareAsync(bare));
            figures.Add(
                Figure.AtMost(
                    "lists",
                    $"{what}, {Episodes:N0} episodes on {engine}, 95 %; the bare query takes {query:0.00}, a bare request {nothing:0.00}",
                    asking,
                    "ms",
                    Limit * (query + nothing)
                )
            );
        }

        await server.StopAsync();
        return figures;
    }

    /// <summary>The three by turns, so that what else the machine does is in each.</summary>
    private static async Task<(double Asking, double Query, double Nothing)> MeasureAsync(
        HttpClient http,
        Func<int, string> path,
        Func<Task> query
    )
    {
        var times = Enumerable.Range(0, 3).Select(_ => new List<double>(Requests)).ToArray();
        for (var i = -5; i < Requests; i++)
        {
            var number = Math.Abs(i);
            Func<Task>[] each = [() => GetAsync(http, path(number)), query, () => GetAsync(http, "/health")];
            foreach (var (k, run) in each.Index())
            {
                var start = Stopwatch.GetTimestamp();
                await run();
                if (i >= 0)
                {
                    times[k].Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                }
            }
        }

        return (Late(times[0]), Late(times[1]), Late(times[2]));

        static double Late(List<double> taken) => taken.Order().ElementAt(Requests * 95 / 100);
    }

    private static async Task GetAsync(HttpClient http, string path)
    {
        using var answer = await http.GetAsync(path);
        await answer.EnsureSuccessStatusCode().Content.ReadAsByteArrayAsync();
    }
}
