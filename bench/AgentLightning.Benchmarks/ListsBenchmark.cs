using System.Diagnostics;

namespace AgentLightning.Benchmarks;

/// <summary>
/// Milliseconds of lists, statistics and reports over HTTP, on a store of a million episodes of one year, a quarter of them rewarded.
/// </summary>
internal static class ListsBenchmark
{
    private const int Episodes = 1_000_000;
    private const int Requests = 200;
    private const double Limit = 50;

    public static Task<IReadOnlyList<Figure>> RunAsync() => EachStore.RunAsync(RunAsync);

    private static async Task<IReadOnlyList<Figure>> RunAsync(string engine, string store)
    {
        await ManyEpisodes.FillAsync(store, Episodes);
        using var server = await ServerProcess.StartAsync(store);
        const string Period = "start=2025-01-01&end=2025-12-31";
        (string What, Func<int, string> Path)[] asked =
        [
            ("a page of episodes", i => $"/api/lightning/episodes?agent_id=agent{i % 2}&limit=50"),
            ("a page of all agents' episodes", _ => "/api/lightning/episodes?limit=50"),
            ("a page deep in the list", i => $"/api/lightning/episodes?agent_id=agent0&limit=50&before=e{i * 4_000:0000000}"),
            ("statistics", i => $"/api/lightning/stats?agent_id=agent{i % 2}"),
            ("a page of rewards", i => $"/api/lightning/rewards?agent_id=agent{i % 2}&limit=50"),
            ("rewards of a year by week", i => $"/api/lightning/monitoring/rewards?agent_id=agent{i % 2}&by=week&{Period}"),
            ("rewards of a year by intent", i => $"/api/lightning/monitoring/rewards?agent_id=agent{i % 2}&by=intent&{Period}"),
            ("submission rate of a year", i => $"/api/lightning/monitoring/submission-rate?agent_id=agent{i % 2}&{Period}"),
            ("figures of all agents for the chat dashboard", _ => "/api/v1/admin/agent-lightning/stats"),
            ("low-reward patterns of a year", i => $"/api/lightning/monitoring/low-rewards?agent_id=agent{i % 2}&{Period}"),
        ];
        var figures = new List<Figure>();
        foreach (var (what, path) in asked)
        {
            figures.Add(
                Figure.AtMost(
                    "lists",
                    $"{what}, {Episodes:N0} episodes on {engine}, 95 %",
                    await MeasureAsync(server.Http, path),
                    "ms",
                    Limit
                )
            );
        }

        await server.StopAsync();
        return figures;
    }

    private static async Task<double> MeasureAsync(HttpClient http, Func<int, string> path)
    {
        var times = new List<double>(Requests);
        for (var i = -5; i < Requests; i++)
        {
            var start = Stopwatch.GetTimestamp();
            using var answer = await http.GetAsync(path(Math.Abs(i)));
            await answer.EnsureSuccessStatusCode().Content.ReadAsByteArrayAsync();
            if (i >= 0)
            {
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }

        times.Sort();
        return times[Requests * 95 / 100];
    }
}
