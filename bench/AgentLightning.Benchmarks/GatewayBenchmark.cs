using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace AgentLightning.Benchmarks;

/// <summary>
/// Calls of a model server that answers at once: asked directly, through a bare pass-through, and through the gateway with capture on, each
/// in a process of its own, in turns of one run. What the gateway adds is the difference of the medians of the rounds.
/// </summary>
internal static class GatewayBenchmark
{
    private const string Path = "/v1/chat/completions";
    private const int Rounds = 5;
    private const int Sequential = 3_000;
    private const int Streams = 1_000;
    private const int Together = 40_000;
    private const int Connections = 32;

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var folder = Directory.CreateTempSubdirectory("lightning-bench-").FullName;
        try
        {
            using var upstream = await BareServer.StartAsync(BareServer.Upstream);
            using var bare = await BareServer.StartAsync(BareServer.Gateway, upstream.Url.ToString());
            using var gateway = await StartAsync(folder, upstream.Url);
            var servers = new[] { upstream, bare, gateway };
            foreach (var server in servers)
            {
                await ServeTogetherAsync(server, Together / 2);
                await OneByOneAsync(server, Sequential, stream: false);
                await OneByOneAsync(server, Streams, stream: true);
            }

            var (plain, streamed) = (new Times(servers), new Times(servers));
            for (var round = 0; round < Rounds; round++)
            {
                foreach (var server in servers)
                {
                    plain.Add(server, (await OneByOneAsync(server, Sequential, stream: false)).ConvertAll(time => time.Whole));
                    streamed.Add(server, (await OneByOneAsync(server, Streams, stream: true)).ConvertAll(time => time.First));
                }
            }

            var before = await CountsAsync(gateway);
            var rates = new List<double>();
            for (var round = 0; round < 3; round++)
            {
                rates.Add(await ServeTogetherAsync(gateway, Together));
            }

            var after = await CountsAsync(gateway);
            var kept = (after.Recorded - before.Recorded) / (3 * Together);
            var bareRate = await ServeTogetherAsync(bare, Together);
            return
            [
                Figure.AtMost("gateway", $"added p50, one by one ({plain.Beside(0.5)})", plain.Added(gateway, 0.5), "ms", 0.15),
                Figure.AtMost("gateway", $"added p99, one by one ({plain.Beside(0.99)})", plain.Added(gateway, 0.99), "ms", 1),
                Figure.AtMost(
                    "gateway",
                    $"added to the first byte of a stream, p50 ({streamed.Beside(0.5)})",
                    streamed.Added(gateway, 0.5),
                    "ms",
                    0.3
                ),
                Figure.AtLeast(
                    "gateway",
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"calls over {Connections} connections, load and model server on the same cores (bare pass-through {bareRate:0}; "
                            + $"{kept:0.0%} of the episodes on disk by then, {after.Dropped - before.Dropped:0} dropped and counted)"
                    ),
                    rates.Order().ElementAt(1),
                    "calls/s",
                    10_000
                ),
            ];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<ServerProcess> StartAsync(string folder, Uri upstream)
    {
        var file = System.IO.Path.Combine(folder, "lightning.json");
        await File.WriteAllTextAsync(
            file,
            JsonSerializer.Serialize(
                new { gateway = new { upstreams = new { bench = new { url = new Uri(upstream, "/v1").ToString(), models = "bench" } } } }
            )
        );
        return await ServerProcess.StartAsync([
            ServerProcess.Program,
            "serve",
            "--urls",
            "http://127.0.0.1:0",
            "--store",
            System.IO.Path.Combine(folder, "lightning.db"),
            "--config",
            file,
        ]);
    }

    private static async Task<List<(double First, double Whole)>> OneByOneAsync(ServerProcess server, int calls, bool stream)
    {
        using var connection = new ModelConnection(server.Url, Path, stream);
        var times = new List<(double First, double Whole)>(calls);
        for (var i = 0; i < calls; i++)
        {
            times.Add(await connection.AskAsync());
        }

        return times;
    }

    /// <summary>Calls a second.</summary>
    private static async Task<double> ServeTogetherAsync(ServerProcess server, int calls)
    {
        var (asked, started) = (0, Stopwatch.GetTimestamp());
        await Task.WhenAll(
            Enumerable
                .Range(0, Connections)
                .Select(_ =>
                    Task.Run(async () =>
                    {
                        using var connection = new ModelConnection(server.Url, Path, stream: false);
                        while (Interlocked.Increment(ref asked) <= calls)
                        {
                            await connection.AskAsync();
                        }
                    })
                )
        );
        return calls / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static async Task<(double Recorded, double Dropped)> CountsAsync(ServerProcess gateway)
    {
        var text = await gateway.Http.GetStringAsync("/metrics");
        return (Of("lightning_episodes_recorded_total"), Of("lightning_episodes_dropped_total") + Of("lightning_gateway_uncaptured_total"));

        double Of(string name) =>
            Regex.Match(text, $@"^{name}(?:\{{[^}}]*\}})? ([0-9.e+]+)", RegexOptions.Multiline) is { Success: true } match
                ? double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)
                : 0;
    }

    /// <summary>Times of each server in each round.</summary>
    private sealed class Times(ServerProcess[] servers)
    {
        private readonly List<double>[][] _rounds = [.. servers.Select(_ => Array.Empty<List<double>>())];

        public void Add(ServerProcess server, List<double> times)
        {
            times.Sort();
            var at = Array.IndexOf(servers, server);
            _rounds[at] = [.. _rounds[at], times];
        }

        /// <summary>The median over the rounds of what a server takes beyond the model server itself.</summary>
        public double Added(ServerProcess server, double share)
        {
            var at = Array.IndexOf(servers, server);
            return Median(_rounds[at].Select((times, round) => Of(times, share) - Of(_rounds[0][round], share)));
        }

        /// <summary>What the model server takes, and what the bare pass-through adds.</summary>
        public string Beside(double share) =>
            string.Create(
                CultureInfo.InvariantCulture,
                $"direct {Median(_rounds[0].Select(times => Of(times, share))):0.000} ms, bare pass-through +{Added(servers[1], share):0.000}"
            );

        private static double Median(IEnumerable<double> values) => values.Order().ElementAt(Rounds / 2);

        private static double Of(List<double> sorted, double share) => sorted[(int)(sorted.Count * share)];
    }
}
