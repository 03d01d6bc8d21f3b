using System.Text;
using System.Text.Json;
using AgentLightning.Server.Gateway;
using AgentLightning.Testing;
using Microsoft.AspNetCore.Http;

namespace AgentLightning.Server.Tests.Gateway;

/// <summary>What can go wrong with a stream: nothing is told twice, and nothing is lost without a word.</summary>
public sealed class GatewayStreamTests
{
    [Fact]
    public async Task A_stream_passes_byte_for_byte_with_comments_and_line_ends_of_every_kind()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        var whole = FakeUpstream.Stream("On its", " way.").Replace("\n\n", "\r\n\r\n", StringComparison.Ordinal);
        var sent = ": hello\n\n" + whole[..^20] + ": still here\r\n\r\nid: 7\nretry: 10\nevent: more\n" + whole[^20..];
        gateway.Upstream.Answer = (context, _, _) => FakeUpstream.SendAsync(context, [sent]);

        using var response = await gateway.AskAsync(GatewayUnderTest.Streaming());

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(sent, await response.Content.ReadAsStringAsync());
        var episode = await gateway.EpisodeAsync(response);
        Assert.Equal(("On its way.", "succeeded"), (Text(episode, "assistant_output"), Text(episode, "status")));
        Assert.InRange(
            episode.GetProperty("time_to_first_token_ms").GetDouble(),
            0.001,
            episode.GetProperty("request_latency_ms").GetDouble()
        );
    }

    [Fact]
    public async Task Characters_that_come_in_two_parts_stay_whole()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        var bytes = Encoding.UTF8.GetBytes(FakeUpstream.Stream("snø", "🚇", "\u2028"));
        gateway.Upstream.Answer = async (context, _, _) =>
        {
            context.Response.ContentType = "text/event-stream";
            foreach (var part in bytes.Chunk(7))
            {
                await context.Response.Body.WriteAsync(part);
                await context.Response.Body.FlushAsync();
            }
        };

        using var response = await gateway.AskAsync(GatewayUnderTest.Streaming());

        Assert.Equal(bytes, await response.Content.ReadAsByteArrayAsync());
        Assert.Equal("snø🚇\u2028", Text(await gateway.EpisodeAsync(response), "assistant_output"));
    }

    [Fact]
    public async Task The_first_events_reach_the_caller_while_the_upstream_still_answers()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        var goOn = new TaskCompletionSource();
        gateway.Upstream.Answer = async (context, _, _) =>
        {
            await FakeUpstream.SendAsync(context, [FakeUpstream.Chunk("""{"content":"first"}""")]);
            await goOn.Task;
            await FakeUpstream.SendAsync(context, [FakeUpstream.Chunk("{}", "stop"), "data: [DONE]\n\n"]);
        };
        using var response = await gateway.AskAsync(GatewayUnderTest.Streaming());
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());

        Assert.Contains("first", await reader.ReadLineAsync(), StringComparison.Ordinal);
        goOn.SetResult();

        Assert.EndsWith("data: [DONE]\n\n", await reader.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_error_before_anything_of_the_answer_is_tried_again_and_not_seen()
    {
        await using var gateway = await GatewayUnderTest.StartAsync(options => options with { BreakPercent = 100, RetryPercent = 100 });
        foreach (
            var (error, status) in new[]
            {
                ("""{"error":{"message":"busy","type":"server_error","code":503}}""", 503),
                ("""{"error":{"message":"slow down","type":"rate_limit_error","code":"rate_limit_exceeded"}}""", 429),
                ("no json", 502),
            }
        )
        {
            gateway.Upstream.Calls.Clear();
            gateway.Upstream.Answer = (context, _, number) =>
                number == 1
                    ? FakeUpstream.SendAsync(context, [FakeUpstream.Chunk("""{"role":"assistant"}"""), $"data: {error}\n\n"])
                    : FakeUpstream.StreamAsync(context, "all", " is well");

            using var response = await gateway.AskAsync(GatewayUnderTest.Streaming());

            Assert.Equal(FakeUpstream.Stream("all", " is well"), await response.Content.ReadAsStringAsync());
            var episode = await gateway.EpisodeAsync(response);
            Assert.Equal(("all is well", "2"), (Text(episode, "assistant_output"), Text(episode.GetProperty("metadata"), "attempts")));

            gateway.Upstream.Answer = (context, _, _) => FakeUpstream.SendAsync(context, [$"data: {error}\n\n"]);
            using var failed = await gateway.AskAsync(GatewayUnderTest.Streaming());
            await GatewayUnderTest.ErrorAsync(status, failed);
        }
    }

    [Fact]
    public async Task An_answer_that_breaks_off_ends_with_an_error_and_is_never_tried_again()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        foreach (var how in new[] { "cut", "cut in an event", "ended", "429" })
        {
            gateway.Upstream.Calls.Clear();
            var (begun, isThere) = (FakeUpstream.Chunk("""{"content":"half an"}"""), new TaskCompletionSource());
            gateway.Upstream.Answer = async (context, _, _) =>
            {
                await FakeUpstream.SendAsync(context, [begun]);
                // A reset could overtake what was sent.
                await isThere.Task;
                switch (how)
                {
                    case "cut":
                        context.Abort();
                        break;
                    case "cut in an event":
                        await FakeUpstream.SendAsync(context, ["data: {\"id\":\"chatcmpl-1\",\"choi"]);
                        context.Abort();
                        break;
                    case "429":
                        await FakeUpstream.SendAsync(
                            context,
                            ["data: {\"error\":{\"message\":\"too many\",\"code\":429}}\n\ndata: [DONE]\n\n"]
                        );
                        break;
                }
            };

            using var response = await gateway.AskAsync(GatewayUnderTest.Streaming());
            isThere.SetResult();
            var text = await response.Content.ReadAsStringAsync();

            Assert.StartsWith(begun, text, StringComparison.Ordinal);
            Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);
            var rest = text[begun.Length..];
            Assert.StartsWith("data: {\"error\":{", rest, StringComparison.Ordinal);
            Assert.EndsWith("\n\n", rest, StringComparison.Ordinal);
            Assert.Single(rest.Split("\n\n", StringSplitOptions.RemoveEmptyEntries));
            Assert.Single(gateway.Upstream.Calls);
            var episode = await gateway.EpisodeAsync(response);
            Assert.Equal(
                ("half an", "failed", "true"),
                (Text(episode, "assistant_output"), Text(episode, "status"), Text(episode.GetProperty("metadata"), "truncated"))
            );
            Assert.Contains("main", Text(episode, "error"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Events_that_are_no_json_pass_and_are_counted()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        var sent =
            FakeUpstream.Chunk("""{"content":"a"}""")
            + "data: {broken\n\ndata:\n\nnonsense\n\n"
            + FakeUpstream.Chunk("""{"content":"b"}""", "stop")
            + "data: [DONE]\n\n";
        gateway.Upstream.Answer = (context, _, _) => FakeUpstream.SendAsync(context, [sent]);

        using var response = await gateway.AskAsync(GatewayUnderTest.Streaming());

        Assert.Equal(sent, await response.Content.ReadAsStringAsync());
        var episode = await gateway.EpisodeAsync(response);
        Assert.Equal("ab", Text(episode, "assistant_output"));
        Assert.Equal("2", Text(episode.GetProperty("metadata"), "malformed_events"));
    }

    [Fact]
    public async Task A_stream_without_its_last_event_is_whole_when_every_choice_said_why_it_ended()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        var sent = FakeUpstream.Stream("done").Replace("data: [DONE]\n\n", "", StringComparison.Ordinal);
        gateway.Upstream.Answer = (context, _, _) => FakeUpstream.SendAsync(context, [sent]);

        using var one = await gateway.AskAsync(GatewayUnderTest.Streaming());
        using var two = await gateway.AskAsync(GatewayUnderTest.Streaming(",\"n\":2"));

        Assert.Equal(sent, await one.Content.ReadAsStringAsync());
        Assert.Equal("succeeded", Text(await gateway.EpisodeAsync(one), "status"));
        Assert.Contains("\"error\"", (await two.Content.ReadAsStringAsync())[sent.Length..], StringComparison.Ordinal);
        Assert.Equal("failed", Text(await gateway.EpisodeAsync(two), "status"));
    }

    [Fact]
    public async Task The_end_may_lack_its_blank_line()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        gateway.Upstream.Answer = (context, _, _) => FakeUpstream.SendAsync(context, [FakeUpstream.Stream("done").TrimEnd('\n')]);

        Assert.Equal(FakeUpstream.Stream("done"), await gateway.StreamAsync());
    }

    [Fact]
    public async Task Lines_of_a_megabyte_pass()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        var sent = FakeUpstream.Stream(new string('a', 1_100_000), new string('b', 1_300_000));
        gateway.Upstream.Answer = (context, _, _) => FakeUpstream.SendAsync(context, sent.Chunk(100_003).Select(part => new string(part)));

        using var response = await gateway.AskAsync(GatewayUnderTest.Streaming());

        Assert.Equal(sent, await response.Content.ReadAsStringAsync());
        Assert.Equal(2_400_000, Text(await gateway.EpisodeAsync(response), "assistant_output")!.Length);
    }

    [Fact]
    public async Task A_slow_reader_gets_all_of_it_and_holds_the_upstream_to_its_pace()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        var (sent, goOn) = (0, new TaskCompletionSource());
        var piece = FakeUpstream.Chunk($$"""{"content":"{{new string('x', 64_000)}}"}""");
        const int Pieces = 400;
        gateway.Upstream.Answer = async (context, _, _) =>
        {
            for (var i = 0; i < Pieces; i++)
            {
                await FakeUpstream.SendAsync(context, [piece]);
                sent++;
            }

            await FakeUpstream.SendAsync(context, [FakeUpstream.Chunk("{}", "stop"), "data: [DONE]\n\n"]);
            goOn.SetResult();
        };

        using var response = await gateway.AskAsync(GatewayUnderTest.Streaming());
        await using var body = await response.Content.ReadAsStreamAsync();
        // Nothing is read until the sockets are full, and the upstream waits.
        var before = -1;
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (Volatile.Read(ref sent) != before && await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken))
        {
            before = Volatile.Read(ref sent);
        }

        Assert.True(before < Pieces, "The gateway took everything, though nobody read.");
        var text = await new StreamReader(body).ReadToEndAsync(TestContext.Current.CancellationToken);
        await goOn.Task;
        Assert.EndsWith("data: [DONE]\n\n", text, StringComparison.Ordinal);
        Assert.Equal(Pieces, text.Split(piece).Length - 1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task When_the_caller_goes_the_upstream_is_told_within_a_second(bool afterFirst)
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        var (came, gone) = (new TaskCompletionSource(), new TaskCompletionSource());
        gateway.Upstream.Answer = async (context, _, _) =>
        {
            if (afterFirst)
            {
                await FakeUpstream.SendAsync(context, [FakeUpstream.Chunk("""{"content":"half"}""")]);
            }

            came.SetResult();
            await LoopbackServer.HangAsync(context);
            gone.SetResult();
        };
        using var caller = new CancellationTokenSource();
        var asking = gateway.AskAsync(GatewayUnderTest.Streaming(), cancellationToken: caller.Token);
        await came.Task;
        using var response = afterFirst ? await asking : null;
        // Who is disposed of reads on for a while; who is cancelled in the middle of a read hangs up.
        var reading = response is null ? asking : ReadAsync(response, caller.Token);

        await caller.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);

        await gone.Task.WaitAsync(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while ((await gateway.Server.GetAsync("/api/lightning/episodes")).GetProperty("episodes").GetArrayLength() == 0)
        {
            await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }

        var episode = await gateway.OnlyEpisodeAsync();
        Assert.Equal(("cancelled", afterFirst ? "half" : ""), (Text(episode, "status"), Text(episode, "assistant_output")));
    }

    [Fact]
    public async Task Usage_is_asked_for_and_kept_and_not_shown_to_who_did_not_ask()
    {
        await using var gateway = await GatewayUnderTest.StartAsync(upstream: main => main with { StreamUsage = true });
        const string Usage =
            "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2,\"total_tokens\":7}}\n\n";
        var plain = FakeUpstream.Stream("hi");
        gateway.Upstream.Answer = (context, call, _) =>
            FakeUpstream.SendAsync(context, [plain.Replace("data: [DONE]", Usage + "data: [DONE]", StringComparison.Ordinal)]);

        using var silent = await gateway.AskAsync(GatewayUnderTest.Streaming());
        using var asking = await gateway.AskAsync(GatewayUnderTest.Streaming(",\"stream_options\":{\"include_usage\":true}"));

        Assert.Equal(plain, await silent.Content.ReadAsStringAsync());
        Assert.Contains(Usage, await asking.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.All(gateway.Upstream.Calls, call =>
            Assert.True(call.Json.GetProperty("stream_options").GetProperty("include_usage").GetBoolean())
        );
        foreach (var response in new[] { silent, asking })
        {
            Assert.Equal(7, (await gateway.EpisodeAsync(response)).GetProperty("token_usage").GetProperty("total").GetInt32());
        }
    }

    [Fact]
    public async Task Calls_of_tools_in_pieces_and_several_choices_are_put_together()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        var sent =
            FakeUpstream.Chunk(
                """{"tool_calls":[{"index":0,"id":"c0","type":"function","function":{"name":"find","arguments":"{\"id\""}}]}"""
            )
            + FakeUpstream.Chunk("""{"tool_calls":[{"index":1,"id":"c1","type":"function","function":{"name":"send","arguments":"{}"}}]}""")
            + FakeUpstream.Chunk("""{"content":"other"}""", index: 1)
            + FakeUpstream.Chunk("""{"tool_calls":[{"index":0,"function":{"arguments":":42}"}}]}""", "tool_calls")
            + FakeUpstream.Chunk("{}", "stop", 1)
            + "data: [DONE]\n\n";
        gateway.Upstream.Answer = (context, _, _) => FakeUpstream.SendAsync(context, [sent]);

        using var response = await gateway.AskAsync(GatewayUnderTest.Streaming(",\"n\":2"));

        Assert.Equal(sent, await response.Content.ReadAsStringAsync());
        var episode = await gateway.EpisodeAsync(response);
        Assert.Equal(
            [("find", """{"id":42}"""), ("send", "{}")],
            episode.GetProperty("tool_calls").EnumerateArray().Select(call => (Text(call, "tool_name"), Text(call, "arguments")))
        );
        Assert.Contains("other", Text(episode.GetProperty("metadata"), "other_choices"), StringComparison.Ordinal);
        Assert.Equal("succeeded", Text(episode, "status"));
    }

    [Fact]
    public async Task Token_ids_of_a_stream_are_kept_and_not_shown()
    {
        await using var gateway = await GatewayUnderTest.StartAsync(upstream: main => main with { TokenIds = true });
        gateway.Upstream.Answer = (context, _, _) =>
            FakeUpstream.SendAsync(
                context,
                [
                    "data: {\"id\":\"c\",\"prompt_token_ids\":[1,2],\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"token_ids\":[3]}]}\n\n",
                    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"b\"},\"token_ids\":[4],\"finish_reason\":\"stop\"}]}\n\n",
                    "data: [DONE]\n\n",
                ]
            );

        using var response = await gateway.AskAsync(GatewayUnderTest.Streaming());

        Assert.DoesNotContain("token_ids", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        var tokens = (await gateway.EpisodeAsync(response)).GetProperty("tokens");
        Assert.Equal(
            "[1,2] [3,4]",
            $"{tokens.GetProperty("prompt_ids")} {tokens.GetProperty("completion_ids")}".Replace(", ", ",", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task Responses_end_with_their_own_event_and_break_off_with_an_error_of_their_form()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        const string Begun =
            "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\",\"model\":\"m\",\"error\":null}}\n\n"
            + "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"Hi\"}\n\n";
        const string End =
            "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\",\"status\":\"completed\",\"usage\":{\"input_tokens\":2,\"output_tokens\":1}}}\n\n";
        gateway.Upstream.Answer = (context, _, number) => FakeUpstream.SendAsync(context, number == 1 ? [Begun, End] : [Begun]);
        const string Body = """{"model":"model-a","stream":true,"input":"Hello"}""";

        using var whole = await gateway.AskAsync(Body, "/v1/responses");
        using var cut = await gateway.AskAsync(Body, "/v1/responses");

        Assert.Equal(Begun + End, await whole.Content.ReadAsStringAsync());
        var episode = await gateway.EpisodeAsync(whole);
        Assert.Equal(
            ("resp_1", "Hi", 3),
            (
                Text(episode, "message_id"),
                Text(episode, "assistant_output"),
                episode.GetProperty("token_usage").GetProperty("total").GetInt32()
            )
        );
        Assert.StartsWith(
            "event: error\ndata: {\"type\":\"error\"",
            (await cut.Content.ReadAsStringAsync())[Begun.Length..],
            StringComparison.Ordinal
        );
        Assert.Equal("failed", Text(await gateway.EpisodeAsync(cut), "status"));
    }

    [Fact]
    public async Task An_upstream_that_falls_silent_is_given_up()
    {
        await using var gateway = await GatewayUnderTest.StartAsync(upstream: main =>
            main with
            {
                IdleTimeout = TimeSpan.FromMilliseconds(150),
                Timeout = TimeSpan.FromMilliseconds(150),
            }
        );
        gateway.Upstream.Answer = async (context, call, _) =>
        {
            if (call.Streams)
            {
                await FakeUpstream.SendAsync(context, [FakeUpstream.Chunk("""{"content":"half"}""")]);
            }

            await LoopbackServer.HangAsync(context);
        };

        Assert.Contains("sent nothing for", await gateway.StreamAsync(), StringComparison.Ordinal);
        using var plain = await gateway.AskAsync();
        await GatewayUnderTest.ErrorAsync(504, plain);
    }

    private static async Task ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        await body.CopyToAsync(Stream.Null, cancellationToken);
    }

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();
}
