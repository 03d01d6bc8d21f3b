using AgentLightning.Testing;
using AgentLightning.Traces;
using Microsoft.Extensions.DependencyInjection;
using static AgentLightning.Tests.Traces.TraceDesk;

namespace AgentLightning.Tests.Traces;

/// <summary>Episodes that are read out of spans still in memory.</summary>
public sealed class FreshTracesTests
{
    private const string Input = """[{"role":"user","parts":[{"type":"text","content":"Weather in Paris?"}]}]""";

    [Fact]
    public async Task What_is_read_from_memory_is_what_is_read_from_the_store()
    {
        await using var fresh = await OpenAsync();
        await using var stored = await OpenAsync(services => services.AddSingleton(new TraceOptions { FreshBytes = 0 }));
        foreach (var desk in new[] { fresh, stored })
        {
            await SendAsync(desk, "first");
            await desk.SendAsync(OtlpBytes.Span(Trace, Root, null, "invoke_agent", At, 900, [("gen_ai.agent.name", "weather")]));
            // Of two with one id the first stays.
            await SendAsync(desk, "second");
        }

        Assert.Equal(0, stored.Product.Get<TraceIngestor>().Fresh.Bytes);
        Assert.NotEqual(0, fresh.Product.Get<TraceIngestor>().Fresh.Bytes);
        await fresh.ReadAsync();
        await stored.ReadAsync();

        var episode = (await fresh.EpisodeAsync())!;
        Assert.Equal(("Weather in Paris?", "first"), (episode.UserInput, Assert.Single(episode.ToolCalls).Result));
        Assert.Equivalent(await stored.EpisodeAsync(), episode, strict: true);
        Assert.Equal(0, fresh.Product.Get<TraceIngestor>().Fresh.Bytes);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_another_server_wrote_to_the_trace_is_read_too(bool first)
    {
        await using var desk = await OpenAsync();
        var others = new SpanRecord
        {
            TraceId = Trace,
            SpanId = "00000000000000aa",
            ParentId = Root,
            Name = "execute_tool",
            AgentId = "weather",
            Marks = SpanMarks.GenAi | SpanMarks.Tool,
            ReceivedAt = desk.Time.GetUtcNow(),
            Body = """{"attributes":{"gen_ai.operation.name":"execute_tool","gen_ai.tool.name":"of-another"}}"""u8.ToArray(),
        };
        if (first)
        {
            await desk.Store.AddAsync([others], [], new TraceOptions(), Token);
        }

        await SendAsync(desk, "mine");
        if (!first)
        {
            await desk.Store.AddAsync([others], [], new TraceOptions(), Token);
        }

        await desk.SendAsync(OtlpBytes.Span(Trace, Root, null, "invoke_agent", At, 900, [("gen_ai.agent.name", "weather")]));
        await desk.ReadAsync();

        Assert.Equal(
            ["get_weather", "of-another"],
            (await desk.EpisodeAsync())!.ToolCalls.Select(call => call.ToolName).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task Late_spans_are_read_together_with_those_that_were_read_before()
    {
        await using var desk = await OpenAsync();
        await desk.SendAsync(OtlpBytes.Span(Trace, Root, null, "invoke_agent", At, 900, [("gen_ai.agent.name", "weather")]));
        await desk.ReadAsync();
        await SendAsync(desk, "late");
        await desk.ReadAsync();

        var episode = (await desk.EpisodeAsync())!;
        Assert.Equal(("weather", "late"), (episode.AgentId, Assert.Single(episode.ToolCalls).Result));
    }

    [Fact]
    public async Task No_more_is_kept_than_the_limit_says_and_all_is_read_all_the_same()
    {
        const int Traces = 200;
        await using var desk = await OpenAsync(services => services.AddSingleton(new TraceOptions { FreshBytes = 20_000 }));
        for (var i = 0; i < Traces; i++)
        {
            await desk.SendAsync(OtlpBytes.Span($"{i + 1:x32}", Root, null, "chat", At, 5, [("gen_ai.operation.name", "chat")]));
            Assert.InRange(desk.Product.Get<TraceIngestor>().Fresh.Bytes, 1, 20_000);
        }

        await desk.ReadAsync();

        Assert.Equal(0, desk.Product.Get<TraceIngestor>().Fresh.Bytes);
        Assert.NotNull(await desk.EpisodeAsync($"{1:x32}"));
        Assert.NotNull(await desk.EpisodeAsync($"{Traces:x32}"));
    }

    private static Task<OtlpResult> SendAsync(TraceDesk desk, string result) =>
        desk.SendAsync(
            OtlpBytes.Span(
                Trace,
                Child,
                Root,
                "chat",
                At + 10,
                500,
                [("gen_ai.operation.name", "chat"), ("gen_ai.request.model", "m"), ("gen_ai.input.messages", Input)]
            ),
            OtlpBytes.Span(
                Trace,
                "00f067aa0ba902b8",
                Root,
                "execute_tool get_weather",
                At + 600,
                30,
                [("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "get_weather"), ("gen_ai.tool.call.result", result)]
            )
        );
}
