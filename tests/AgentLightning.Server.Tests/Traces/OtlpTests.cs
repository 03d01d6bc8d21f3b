using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;
using AgentLightning.Traces;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server.Tests;

/// <summary>OTLP over HTTP, as exporters send it.</summary>
public sealed class OtlpTests
{
    private const string Protobuf = "application/x-protobuf";
    private const string Trace = "0af7651916cd43dd8448eb211c80319c";
    private const string Root = "b7ad6b7169203331";
    private const long At = 1_772_625_600_000;

    private static readonly byte[] s_good = OtlpBytes.Request("svc", "scope", [SpanOf(Trace, Root)]);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Protobuf_plain_and_gzip_is_stored_and_answered_with_an_empty_response(bool gzip)
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        using var response = await PostAsync(server, "/v1/traces", gzip ? Gzip(s_good) : s_good, Protobuf, gzip ? "gzip" : null);

        Assert.Equal((HttpStatusCode.OK, Protobuf), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
        Assert.Equal(1, await CountAsync(server));
    }

    [Fact]
    public async Task Json_is_stored_and_gives_the_same_span_as_protobuf()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        const string Body = """
            {"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"svc"}}]},"scopeSpans":[{"scope":{"name":"scope","version":"1.0"},"spans":[
            {"traceId":"0AF7651916CD43DD8448EB211C80319C","spanId":"b7ad6b7169203331","name":"chat m","kind":3,"startTimeUnixNano":"1772625600000000000","endTimeUnixNano":"1772625600005000000",
            "attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"n","value":{"intValue":"7"}}],"status":{}}]}]}]}
            """;

        using (var response = await PostAsync(server, "/v1/traces", Encoding.UTF8.GetBytes(Body), "application/json"))
        {
            Assert.Equal((HttpStatusCode.OK, "{}"), (response.StatusCode, await response.Content.ReadAsStringAsync()));
        }

        using (await PostAsync(server, "/v1/traces", s_good, Protobuf))
        {
            var report = await server.GetAsync("/api/lightning/diagnostics/traces");
            Assert.Equal(
                (1, 1, 0),
                (
                    report.GetProperty("stored_spans").GetInt32(),
                    report.GetProperty("duplicates").GetInt32(),
                    report.GetProperty("conflicts").GetInt32()
                )
            );
        }
    }

    [Fact]
    public async Task Of_good_and_bad_spans_the_good_are_stored_and_the_answer_counts_the_bad_in_the_encoding_of_the_request()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        var mixed = OtlpBytes.Request("svc", "scope", [SpanOf(Trace, Root), SpanOf(new string('0', 32), Root)]);

        using (var response = await PostAsync(server, "/v1/traces", mixed, Protobuf))
        {
            // partial_success, of which the first field is rejected_spans = 1.
            var answer = await response.Content.ReadAsByteArrayAsync();
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal([0x0a, (byte)(answer.Length - 2), 0x08, 0x01, 0x12], answer[..5]);
            Assert.Contains("trace_id", Encoding.UTF8.GetString(answer), StringComparison.Ordinal);
        }

        const string Body = """{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"zz","spanId":"b7ad6b7169203331"}]}]}]}""";
        using (var response = await PostAsync(server, "/v1/traces", Encoding.UTF8.GetBytes(Body), "application/json; charset=utf-8"))
        {
            using var answer = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
            Assert.Equal("1", answer.RootElement.GetProperty("partialSuccess").GetProperty("rejectedSpans").GetString());
        }

        Assert.Equal(1, await CountAsync(server));
    }

    [Theory]
    [InlineData(Protobuf, null, HttpStatusCode.BadRequest)]
    [InlineData("application/json", null, HttpStatusCode.BadRequest)]
    [InlineData(Protobuf, "gzip", HttpStatusCode.BadRequest)]
    [InlineData(Protobuf, "br", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("application/xml", null, HttpStatusCode.UnsupportedMediaType)]
    public async Task What_cannot_be_read_is_a_status_in_the_encoding_of_the_request(
        string type,
        string? compression,
        HttpStatusCode expected
    )
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        using var response = await PostAsync(server, "/v1/traces", [0x0a, 0x7f, 1], type, compression);

        var body = await response.Content.ReadAsByteArrayAsync();
        Assert.Equal(
            (expected, type == Protobuf ? Protobuf : "application/json"),
            (response.StatusCode, response.Content.Headers.ContentType?.MediaType)
        );
        if (type == Protobuf)
        {
            // google.rpc.Status: code 3, then the message.
            Assert.Equal([0x08, 0x03, 0x12], body[..3]);
        }
        else
        {
            Assert.Equal(3, JsonDocument.Parse(body).RootElement.GetProperty("code").GetInt32());
        }

        ServerUnderTest.AssertSaysNothingOfTheInside(Encoding.UTF8.GetString(body));
        Assert.Equal(0, await CountAsync(server));
    }

    [Fact]
    public async Task A_body_of_a_hundred_megabytes_is_refused()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        using (var response = await PostAsync(server, "/v1/traces", Gzip(new byte[100_000_000]), Protobuf, "gzip"))
        {
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/traces") { Content = new ByteArrayContent(new byte[20_000_000]) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(Protobuf);
        request.Headers.ExpectContinue = true;
        using (var response = await server.Http.SendAsync(request))
        {
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        }

        Assert.Equal("healthy", (await server.GetAsync("/health")).GetProperty("status").GetString());
    }

    [Fact]
    public async Task Metrics_are_not_taken_in_and_the_answer_says_so()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        using var response = await PostAsync(server, "/v1/metrics", [], Protobuf);

        Assert.Equal((HttpStatusCode.NotImplemented, Protobuf), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        Assert.Contains("Metrics are not taken in", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Log_records_that_have_nothing_to_do_with_agents_are_not_kept_and_are_no_mistake()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        using var response = await PostAsync(
            server,
            "/v1/logs",
            OtlpBytes.Request(
                "svc",
                "scope",
                [OtlpBytes.Log(Trace, Root, "", At, "Now listening"), OtlpBytes.Log(null, null, "gen_ai.choice", At, "x")]
            ),
            Protobuf
        );

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains("trace id", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        var report = await server.GetAsync("/api/lightning/diagnostics/traces");
        Assert.Equal(
            (0, 1, 1),
            (
                report.GetProperty("stored_spans").GetInt32(),
                report.GetProperty("sources")[0].GetProperty("ignored_logs").GetInt32(),
                report.GetProperty("rejected").GetArrayLength()
            )
        );
    }

    [Fact]
    public async Task A_trace_that_was_begun_before_the_server_ended_becomes_an_episode_after_it_started_again()
    {
        using var folder = new TemporaryFolder();
        await using (var server = await ServerUnderTest.StartAsync(folder.File("lightning.db")))
        {
            using var response = await PostAsync(
                server,
                "/v1/logs",
                OtlpBytes.Request(
                    "svc",
                    "scope",
                    [OtlpBytes.Log(Trace, Root, "gen_ai.user.message", At, ((string, object?)[])[("content", "before")])]
                ),
                Protobuf
            );
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        await using var again = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        using (await PostAsync(again, "/v1/traces", s_good, Protobuf))
        {
            var episode = await EpisodeAsync(again, Trace);
            Assert.Equal(("before", "svc"), (episode.GetProperty("user_input").GetString(), episode.GetProperty("agent_id").GetString()));
        }
    }

    [Fact]
    public async Task Episodes_and_their_rewards_are_read_by_the_running_server()
    {
        using var folder = new TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));
        var span = OtlpBytes.Span(
            Trace,
            Root,
            null,
            "chat m",
            At,
            5,
            [("gen_ai.operation.name", "chat"), ("gen_ai.prompt", "Q"), ("gen_ai.completion", "A"), ("agentlightning.agent_id", "mine")],
            [OtlpBytes.Event("gen_ai.evaluation.result", At, ("gen_ai.evaluation.name", "e"), ("gen_ai.evaluation.score.value", 1.0))]
        );

        using var response = await PostAsync(server, "/v1/traces", OtlpBytes.Request("svc", "scope", [span]), Protobuf);

        var episode = await EpisodeAsync(server, Trace);
        Assert.Equal(
            ("Q", "A", "mine"),
            (
                episode.GetProperty("user_input").GetString(),
                episode.GetProperty("assistant_output").GetString(),
                episode.GetProperty("agent_id").GetString()
            )
        );
        // The reward comes right after the episode.
        await server.App.Services.GetRequiredService<EpisodeAssembler>().ReadDueAsync(CancellationToken.None);
        Assert.Equal(1, (await EpisodeAsync(server, Trace)).GetProperty("rewards")[0].GetProperty("value").GetDouble());
    }

    /// <summary>Asks until the reader has come by; the test's own limit ends it otherwise.</summary>
    internal static async Task<JsonElement> EpisodeAsync(ServerUnderTest server, string trace)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken))
        {
            using var response = await server.Http.GetAsync($"/api/lightning/episodes/{trace}");
            if (response.IsSuccessStatusCode && await CountPendingAsync(server) == 0)
            {
                return await server.GetAsync($"/api/lightning/episodes/{trace}");
            }
        }

        throw new InvalidOperationException("The timer ended.");
    }

    private static async Task<int> CountPendingAsync(ServerUnderTest server) =>
        (await server.GetAsync("/api/lightning/diagnostics/traces")).GetProperty("pending_traces").GetInt32();

    private static byte[] SpanOf(string trace, string span) =>
        OtlpBytes.Span(trace, span, null, "chat m", At, 5, [("gen_ai.operation.name", "chat"), ("n", 7)]);

    private static async Task<int> CountAsync(ServerUnderTest server) =>
        (await server.GetAsync("/api/lightning/diagnostics/traces")).GetProperty("stored_spans").GetInt32();

    private static Task<HttpResponseMessage> PostAsync(
        ServerUnderTest server,
        string path,
        byte[] body,
        string type,
        string? compression = null
    )
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        if (compression is not null)
        {
            content.Headers.ContentEncoding.Add(compression);
        }

        return server.Http.PostAsync(path, content);
    }

    private static byte[] Gzip(byte[] body)
    {
        var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Fastest))
        {
            gzip.Write(body);
        }

        return output.ToArray();
    }
}
