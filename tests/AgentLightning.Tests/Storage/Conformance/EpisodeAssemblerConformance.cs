using System.Text.Json;
using AgentLightning.Episodes;
using AgentLightning.Testing;
using AgentLightning.Traces;

namespace AgentLightning.Tests.Storage.Conformance;

/// <summary>What becomes of traces whose episode a store does not take.</summary>
public abstract class EpisodeAssemblerConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    private const int Traces = 70;

    private EpisodeAssembler Reader => Get<EpisodeAssembler>();

    private ITraceStore Store => Get<ITraceStore>();

    [Fact]
    public async Task A_trace_whose_episode_the_store_refuses_is_marked_and_all_others_are_read()
    {
        await Engine.RefuseEpisodeAsync(TraceOf(3));
        await AddAsync([.. Enumerable.Range(0, Traces).Select(i => NewSpan(i))]);

        await ReadAsync();

        Assert.Equal(Traces - 1, await Get<IEpisodeStore>().CountAsync("agent", Token));
        Assert.Equal(0, await Store.CountPendingAsync(Token));
        var failed = await Store.FailedAsync(10, Token);
        Assert.Equal((1, TraceOf(3), "agent"), (failed.Count, failed.Newest[0].TraceId, failed.Newest[0].AgentId));
        Assert.StartsWith("The store refused it: ", failed.Newest[0].Reason, StringComparison.Ordinal);
        var report = await Get<TraceDiagnostics>().ReadAsync(Token);
        Assert.Contains(report.Findings, finding => finding.Contains(TraceOf(3), StringComparison.Ordinal));
        Assert.NotEmpty(await Store.SpansAsync(TraceOf(3), 10, Token));
    }

    [Fact]
    public async Task A_body_that_nobody_can_read_is_marked_and_read_again_when_more_comes()
    {
        await AddAsync(NewSpan(1) with { Body = "{"u8.ToArray() }, NewSpan(2));

        await ReadAsync();

        Assert.Equal(TraceOf(1), Assert.Single((await Store.FailedAsync(10, Token)).Newest).TraceId);
        Assert.NotNull(await Get<IEpisodeStore>().FindAsync(TraceOf(2), Token));

        await Store.DeleteAsync(TraceOf(1), Token);
        await AddAsync(NewSpan(1));
        await ReadAsync();

        Assert.Equal(0, (await Store.FailedAsync(10, Token)).Count);
        Assert.NotNull(await Get<IEpisodeStore>().FindAsync(TraceOf(1), Token));
    }

    [Theory]
    [InlineData("gen_ai.request.model")]
    [InlineData("session.id")]
    [InlineData("user.id")]
    [InlineData("gen_ai.agent.name")]
    [InlineData("gen_ai.response.id")]
    [InlineData("gen_ai.evaluation.name")]
    public async Task Names_of_4_kB_become_episodes_that_can_be_found(string name)
    {
        // What no index entry can be compressed to.
        var random = new Random(7);
        var long4000 = string.Concat(Enumerable.Range(0, 4_000).Select(_ => (char)random.Next('a', 'z' + 1)));
        var body = OtlpBytes.Request(
            "svc",
            "scope",
            [
                OtlpBytes.Span(
                    TraceOf(1),
                    "00000000000000aa",
                    null,
                    "chat",
                    Noon.ToUnixTimeMilliseconds(),
                    5,
                    [("gen_ai.operation.name", "chat"), (name, long4000)],
                    [OtlpBytes.Event("gen_ai.evaluation.result", 0, ("gen_ai.evaluation.score.value", 0.5), (name, long4000))]
                ),
            ]
        );
        var result = await Get<OtlpReceiver>().ReceiveAsync(body, OtlpEncoding.Protobuf, SpanForm.Span, null, Token);
        Assert.Equal((OtlpOutcome.Stored, 1), (result.Outcome, result.Accepted));
        // A span of long ago makes the trace due now.
        await AddAsync(NewSpan(1) with { ParentId = "00000000000000aa" }, NewSpan(2));

        await ReadAsync();

        Assert.NotNull(await Get<IEpisodeStore>().FindAsync(TraceOf(2), Token));
        Assert.NotNull(await Get<IEpisodeStore>().FindAsync(TraceOf(1), Token));
        Assert.Equal(0, await Store.CountPendingAsync(Token));
    }

    private static string TraceOf(int number) => $"{number:d4}".PadLeft(32, 'e');

    private static SpanRecord NewSpan(int trace) =>
        new()
        {
            TraceId = TraceOf(trace),
            SpanId = "0000000000000001",
            Name = "chat",
            AgentId = "agent",
            Marks = SpanMarks.GenAi | SpanMarks.Inference,
            ReceivedAt = Noon.AddSeconds(trace),
            StartNanos = 1,
            EndNanos = 2,
            Body = JsonSerializer.SerializeToUtf8Bytes(
                new { attributes = new Dictionary<string, string> { ["gen_ai.operation.name"] = "chat", ["gen_ai.prompt"] = "hi" } }
            ),
        };

    private Task AddAsync(params SpanRecord[] spans) =>
        Store.AddAsync(spans, [], new TraceOptions { Quiet = TimeSpan.Zero, RootQuiet = TimeSpan.Zero }, Token);

    private async Task ReadAsync()
    {
        while (await Reader.ReadDueAsync(Token) > 0)
        {
            // Until nothing is left.
        }
    }
}
