using System.IO.Compression;
using System.Text;
using AgentLightning.Common;
using AgentLightning.Testing;
using AgentLightning.Traces;
using Microsoft.Extensions.DependencyInjection;
using static AgentLightning.Tests.Traces.TraceDesk;

namespace AgentLightning.Tests.Traces;

/// <summary>Requests that are broken, lie about themselves, or want to use up what there is.</summary>
public sealed class HostileRequestTests
{
    private const int Mutations = 25_000;

    private static readonly byte[] s_protobuf = OtlpBytes.Request(
        "svc",
        "scope",
        [
            OtlpBytes.Span(
                Trace,
                Root,
                null,
                "chat",
                At,
                5,
                [
                    ("gen_ai.operation.name", "chat"),
                    ("gen_ai.input.messages", """[{"role":"user","parts":[{"type":"text","content":"hi 🙂"}]}]"""),
                    ("d", 0.5),
                    ("b", true),
                    ("x", new byte[] { 1, 255 }),
                    ("l", new object?[] { 1, "a", null }),
                ],
                [OtlpBytes.Event("gen_ai.evaluation.result", At, ("gen_ai.evaluation.score.value", 0.5))],
                status: 2,
                message: "m"
            ),
            OtlpBytes.Span(Trace, Child, Root, "t", At, 5, [("kv", ((string, object?)[])[("a", ((string, object?)[])[("b", 1)])])]),
        ]
    );

    private static readonly byte[] s_json = Encoding.UTF8.GetBytes(
        """
        {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"svc"}}]},"scopeSpans":[{"scope":{"name":"scope"},"spans":[
        {"traceId":"@trace","spanId":"@span","name":"chat","kind":3,"startTimeUnixNano":"1772625600000000000","endTimeUnixNano":1772625600005000000,"attributes":[
        {"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"n","value":{"intValue":"-5"}},{"key":"d","value":{"doubleValue":"NaN"}},{"key":"b","value":{"bytesValue":"AQL/"}},
        {"key":"l","value":{"arrayValue":{"values":[{"boolValue":true},{"kvlistValue":{"values":[{"key":"a","value":{}}]}}]}}}],
        "events":[{"timeUnixNano":"1772625600001000000","name":"e","attributes":[]}],"links":[{"traceId":"a","spanId":"b"}],"status":{"code":2,"message":"m"}}]}]}]}
        """.Replace("@trace", Trace, StringComparison.Ordinal).Replace("@span", Root, StringComparison.Ordinal)
    );

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(OtlpEncoding.Protobuf, SpanForm.Span)]
    [InlineData(OtlpEncoding.Protobuf, SpanForm.Log)]
    [InlineData(OtlpEncoding.Json, SpanForm.Span)]
    public async Task Thousands_of_broken_requests_are_answered_and_what_they_leave_can_be_read(OtlpEncoding encoding, SpanForm form)
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var random = new Random(seed);
        await using var desk = await OpenAsync();
        var good = encoding == OtlpEncoding.Json ? s_json : s_protobuf;
        var outcomes = new Dictionary<OtlpOutcome, int>();

        // Many at once, so that the commits do not take the time.
        foreach (var chunk in Enumerable.Range(0, Mutations).Select(_ => Mutated(random, good)).Chunk(500))
        {
            foreach (var result in await Task.WhenAll(chunk.Select(body => desk.SendBodyAsync(body, form, encoding))))
            {
                outcomes[result.Outcome] = outcomes.GetValueOrDefault(result.Outcome) + 1;
            }
        }

        await desk.ReadAsync(10_000);

        Assert.Equal(Mutations, outcomes.Values.Sum());
        Assert.DoesNotContain(OtlpOutcome.Busy, outcomes.Keys);
        Assert.True(outcomes.GetValueOrDefault(OtlpOutcome.Unreadable) > 100, $"seed {seed}: {string.Join(", ", outcomes)}");
        Assert.True(outcomes.GetValueOrDefault(OtlpOutcome.Stored) > 100, $"seed {seed}: {string.Join(", ", outcomes)}");
        Assert.Equal(0, await desk.Store.CountPendingAsync(Token));
        Assert.Equal(0, desk.Product.Get<TraceIngestor>().QueuedBytes);
        Assert.Equal(OtlpOutcome.Stored, (await desk.SendBodyAsync(s_protobuf, SpanForm.Span)).Outcome);
    }

    [Fact]
    public async Task Every_cut_of_a_request_is_answered()
    {
        await using var desk = await OpenAsync();
        for (var length = 0; length < s_protobuf.Length; length++)
        {
            Assert.NotEqual(OtlpOutcome.Busy, (await desk.SendBodyAsync(s_protobuf[..length], SpanForm.Span)).Outcome);
        }

        for (var length = 0; length < s_json.Length - 1; length++)
        {
            Assert.Equal(OtlpOutcome.Unreadable, (await desk.SendBodyAsync(s_json[..length], SpanForm.Span, OtlpEncoding.Json)).Outcome);
        }
    }

    [Fact]
    public async Task An_empty_request_is_good() =>
        Assert.Equal(new OtlpResult(OtlpOutcome.Stored, 0, 0, null), await (await OpenAsync()).SendBodyAsync([], SpanForm.Span));

    [Fact]
    public async Task Of_good_and_bad_spans_the_good_are_stored_and_the_bad_are_told()
    {
        await using var desk = await OpenAsync();

        var result = await desk.SendAsync(
            OtlpBytes.Span(Trace, Root, null, "good", At, 5, []),
            OtlpBytes.Span(new string('0', 32), Root, null, "no trace", At, 5, []),
            OtlpBytes.Span(Trace, "0000", null, "short", At, 5, []),
            OtlpBytes.Span(Trace, Child, null, "deep", At, 5, [("deep", Deep(40))]),
            OtlpBytes.Bytes(1, [1, 2])[..2]
        );

        Assert.Equal((OtlpOutcome.Stored, 1, 4), (result.Outcome, result.Accepted, result.Rejected));
        Assert.Contains("span_id must be 8 bytes", result.Message, StringComparison.Ordinal);
        Assert.Contains("deeper than 32", result.Message, StringComparison.Ordinal);
        Assert.Equal("good", Assert.Single(await desk.Store.SpansAsync(Trace, 10, Token)).Name);
        var report = await desk.Product.Get<TraceDiagnostics>().ReadAsync(Token);
        Assert.Equal(4, report.Rejected.Sum(refusal => refusal.Count));
    }

    [Fact]
    public async Task Nesting_without_end_is_refused_in_both_encodings()
    {
        await using var desk = await OpenAsync();
        var value = Array.Empty<byte>();
        for (var i = 0; i < 20_000; i++)
        {
            value = OtlpBytes.Message(5, OtlpBytes.Message(1, value));
            if (value.Length > 60_000)
            {
                break;
            }
        }

        var span = OtlpBytes
            .Span(Trace, Root, null, "deep", At, 5, [])
            .Concat(OtlpBytes.Message(9, [.. OtlpBytes.Text(1, "k"), .. OtlpBytes.Message(2, value)]))
            .ToArray();
        Assert.Equal((0, 1), await CountAsync(desk.SendAsync(span)));
        var json = string.Concat(Enumerable.Repeat("""{"arrayValue":{"values":[""", 50_000));
        Assert.Equal(
            OtlpOutcome.Unreadable,
            (await desk.SendBodyAsync(Encoding.UTF8.GetBytes(json), SpanForm.Span, OtlpEncoding.Json)).Outcome
        );
    }

    [Fact]
    public async Task Texts_that_are_cut_in_a_character_and_numbers_that_are_none_are_kept_as_well_as_they_can_be()
    {
        await using var desk = await OpenAsync();
        var cut = OtlpBytes.Message(9, [.. OtlpBytes.Text(1, "cut"), .. OtlpBytes.Message(2, OtlpBytes.Bytes(1, [(byte)'a', 0xf0, 0x9f]))]);
        var span = OtlpBytes.Span(
            Trace,
            Root,
            null,
            "a\0b",
            At,
            5,
            [
                ("nan", double.NaN),
                ("inf", double.NegativeInfinity),
                ("nul", "x\0y"),
                ("gen_ai.input.messages", """[{"role":"user","content":"a\u0000b"}]"""),
                ("gen_ai.request.model", "m"),
            ]
        );

        Assert.Equal((1, 0), await CountAsync(desk.SendAsync([.. span, .. cut])));
        await desk.ReadAsync();

        var stored = Assert.Single(await desk.Store.SpansAsync(Trace, 10, Token));
        Assert.Equal("a\ufffdb", stored.Name);
        var body = System.Text.Json.JsonDocument.Parse(stored.Body).RootElement.GetProperty("attributes");
        Assert.Equal(
            ("a\ufffd", "NaN", "-Infinity", "x\ufffdy"),
            (
                body.GetProperty("cut").GetString(),
                body.GetProperty("nan").GetString(),
                body.GetProperty("inf").GetString(),
                body.GetProperty("nul").GetString()
            )
        );
        Assert.Equal("a\ufffdb", (await desk.EpisodeAsync())!.UserInput);
    }

    [Fact]
    public async Task Gzip_that_is_none_is_cut_or_swells_is_refused()
    {
        await using var desk = await OpenAsync(services => services.AddSingleton(new TraceOptions { LargestBody = 1 << 20 }));
        var good = Gzip(s_protobuf);
        Assert.Equal((2, 0), await CountAsync(desk.SendBodyAsync(good, SpanForm.Span, gzip: true)));

        Assert.Equal(OtlpOutcome.Unreadable, (await desk.SendBodyAsync(s_protobuf, SpanForm.Span, gzip: true)).Outcome);
        Assert.Equal(OtlpOutcome.Unreadable, (await desk.SendBodyAsync(good[..^20], SpanForm.Span, gzip: true)).Outcome);
        var bomb = Gzip(new byte[40 << 20]);
        Assert.Equal(OtlpOutcome.TooLarge, (await desk.SendBodyAsync(bomb, SpanForm.Span, gzip: true)).Outcome);
        // The same with a lie about the size.
        byte[] lie = [.. bomb[..^4], 100, 0, 0, 0];
        Assert.Equal(OtlpOutcome.Unreadable, (await desk.SendBodyAsync(lie, SpanForm.Span, gzip: true)).Outcome);
        Assert.Equal(OtlpOutcome.TooLarge, (await desk.SendBodyAsync(new byte[(1 << 20) + 1], SpanForm.Span)).Outcome);
        Assert.Equal(0, desk.Product.Get<TraceIngestor>().QueuedBytes);
    }

    [Fact]
    public async Task A_request_that_swells_beyond_what_is_left_of_the_budget_is_told_to_come_again()
    {
        await using var desk = await OpenAsync(services =>
            services.AddSingleton(
                new ByteBudgetOptions
                {
                    Bytes = 1 << 20,
                    KeyPercent = 100,
                    ConnectionPercent = 100,
                    FullWait = TimeSpan.Zero,
                }
            )
        );
        using (var other = desk.Product.Get<ByteBudget>().Open("other", "another"))
        {
            Assert.True(await other.TryTakeAsync((1 << 20) - 100, Token));
            Assert.Equal(OtlpOutcome.Busy, (await desk.SendBodyAsync(Gzip(s_protobuf), SpanForm.Span, gzip: true)).Outcome);
        }

        Assert.Equal(OtlpOutcome.Stored, (await desk.SendBodyAsync(Gzip(s_protobuf), SpanForm.Span, gzip: true)).Outcome);
        Assert.Equal(0, desk.Product.Get<ByteBudget>().Used);
    }

    [Fact]
    public async Task Spans_of_other_agents_than_the_key_allows_are_refused_and_so_are_the_traces_of_others()
    {
        await using var desk = await OpenAsync();
        const string Others = "0af7651916cd43dd8448eb211c803199";
        await desk.SendAsync(OtlpBytes.Span(Others, Root, null, "s", At, 5, [("agentlightning.agent_id", "other")]));

        var result = await desk.SendBodyAsync(
            OtlpBytes.Request(
                "svc",
                "scope",
                [
                    OtlpBytes.Span(Trace, Root, null, "mine", At, 5, [("agentlightning.agent_id", "mine")]),
                    OtlpBytes.Span(Trace, Child, Root, "inherits", At, 5, []),
                    OtlpBytes.Span(Trace, "00f067aa0ba902b8", Root, "theirs", At, 5, [("agentlightning.agent_id", "other")]),
                    OtlpBytes.Span(Others, Child, Root, "into their trace", At, 5, [("agentlightning.agent_id", "mine")]),
                ]
            ),
            SpanForm.Span,
            mayWrite: agent => agent == "mine"
        );

        Assert.Equal((OtlpOutcome.Stored, 2, 2), (result.Outcome, result.Accepted, result.Rejected));
        Assert.Equal(["inherits", "mine"], (await desk.Store.SpansAsync(Trace, 10, Token)).Select(span => span.Name));
        Assert.Single(await desk.Store.SpansAsync(Others, 10, Token));
    }

    [Fact]
    public void Options_out_of_range_are_refused_by_name() =>
        Assert.Contains(
            "LargestBody",
            Assert
                .Throws<LightningException>(() =>
                    new TraceIngestor(null!, null!, new TraceOptions { LargestBody = 1 }, TimeProvider.System, null!)
                )
                .Message,
            StringComparison.Ordinal
        );

    private static async Task<(int Accepted, int Rejected)> CountAsync(Task<OtlpResult> sent) =>
        (await sent) is { Outcome: OtlpOutcome.Stored } result ? (result.Accepted, result.Rejected) : (-1, -1);

    private static object Deep(int depth) => depth == 0 ? "x" : new object[] { Deep(depth - 1) };

    private static byte[] Gzip(byte[] body)
    {
        var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Fastest))
        {
            gzip.Write(body);
        }

        return output.ToArray();
    }

    private static byte[] Mutated(Random random, byte[] good)
    {
        var body = good.ToList();
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            var at = random.Next(body.Count);
            switch (random.Next(6))
            {
                case 0:
                    body[at] = (byte)random.Next(256);
                    break;
                case 1:
                    body[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    body.Insert(at, (byte)random.Next(256));
                    break;
                case 3 when body.Count > 1:
                    body.RemoveAt(at);
                    break;
                case 4 when random.Next(3) == 0:
                    body.RemoveRange(at, body.Count - at);
                    body.Add(0);
                    break;
                default:
                    body.InsertRange(at, body.GetRange(at, Math.Min(random.Next(1, 20), body.Count - at)));
                    break;
            }
        }

        return [.. body];
    }

    /// <summary>A body that comes only when it is let through.</summary>
}
