using System.Text;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Server.Tests;

/// <summary>A hundred thousand bad requests over every route of the OpenAPI document, as bytes on sockets.</summary>
public sealed class HostileRequestTests(TrainedStore store, ITestOutputHelper output)
{
    private const int Requests = 100_000;
    private const int Connections = 12;
    private const int OnOneConnection = 50;

    /// <summary>Another seed is another hundred thousand requests.</summary>
    private static readonly int s_seed = int.TryParse(Environment.GetEnvironmentVariable("LIGHTNING_TEST_SEED"), out var seed)
        ? seed
        : 20_261_121;

    [Fact]
    public async Task A_hundred_thousand_bad_requests_are_never_a_failure_of_the_server_and_show_nothing_of_its_inside()
    {
        output.WriteLine($"seed {s_seed} (LIGHTNING_TEST_SEED)");
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(store.CopyTo(folder));
        await server.TriageAsync("known", "known");
        var operations = await OpenApiOperation.ReadAsync(server);
        // What an operation announces is no failure: a route may say that it is not there yet.
        // 505 is what the web server says to another version of HTTP.
        var announced = operations
            .SelectMany(operation => operation.Statuses)
            .Where(status => status is > 500 and not 503)
            .Append(505)
            .ToHashSet();
        var (left, statuses, address) = (Requests, new int[600], server.Http.BaseAddress!);

        await Task.WhenAll(
            Enumerable
                .Range(0, Connections)
                .Select(worker =>
                    Task.Run(async () =>
                    {
                        var requests = new BadRequests(operations, ["known", "triage", store.GoodRun, store.BadRun], s_seed + worker);
                        while (Volatile.Read(ref left) > 0)
                        {
                            using var connection = await RawConnection.OpenAsync(address);
                            var batch = Enumerable.Range(0, OnOneConnection).Select(_ => requests.Next()).ToList();
                            var answers = await connection.ExchangeAsync(batch);
                            for (var i = 0; i < answers.Count; i++)
                            {
                                Check(answers[i], batch[i].Bytes);
                            }

                            Interlocked.Add(ref left, -answers.Count);
                            // Nonsense ends a connection; each has one of its own.
                            using var hostile = await RawConnection.OpenAsync(address);
                            var nonsense = requests.NextNonsense();
                            foreach (
                                var answer in await hostile.ExchangeAsync(
                                    [(nonsense, nonsense.AsSpan().StartsWith("HEAD"u8))],
                                    thenEnd: true
                                )
                            )
                            {
                                Check(answer, nonsense);
                            }
                        }
                    })
                )
        );

        output.WriteLine(
            string.Join(
                ", ",
                statuses
                    .Select((count, status) => (count, status))
                    .Where(pair => pair.count > 0)
                    .Select(pair => $"{pair.status}: {pair.count}")
            )
        );
        Assert.Equal("healthy", (await server.GetAsync("/health/ready")).GetProperty("status").GetString());
        await server.TriageAsync("still here", "after");
        Assert.Equal("after", (await server.GetAsync("/api/lightning/episodes/after")).GetProperty("id").GetString());
        // Most were understood far enough to be refused for what they say.
        Assert.True(
            statuses[400] > Requests / 10
                && statuses[404] > Requests / 100
                && statuses[405] > Requests / 100
                && statuses[415] > Requests / 1_000
        );

        void Check(RawResponse answer, byte[] request)
        {
            Interlocked.Increment(ref statuses[answer.Status]);
            var failed =
                answer.Status >= 500
                && !announced.Contains(answer.Status)
                && !(answer.Status == 503 && answer.Headers.ContainsKey("retry-after"));
            if (failed || answer.Status >= 400 && ServerUnderTest.SaysSomethingOfTheInside(answer.Body))
            {
                Assert.Fail($"seed {s_seed}: {Encoding.UTF8.GetString(request)}\n{answer.Status} {answer.Body}");
            }
        }
    }
}
