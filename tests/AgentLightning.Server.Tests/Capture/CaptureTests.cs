using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Deployments;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server.Tests;

public sealed class CaptureTests : IAsyncLifetime
{
    private const string Episodes = "/api/lightning/episodes";
    private const string Capture = "/api/lightning/capture";
    private readonly TemporaryFolder _folder = new();
    private ServerUnderTest _server = null!;

    public async ValueTask InitializeAsync() => _server = await ServerUnderTest.StartAsync(_folder.File("lightning.db"));

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_release_counts_only_for_its_own_agents_episodes()
    {
        var release = await _server
            .App.Services.GetRequiredService<IDeploymentStore>()
            .ActivateAsync(
                new Deployment(
                    "release-1",
                    "shop",
                    Deployment.DefaultSlot,
                    0,
                    null,
                    null,
                    "tuned-1",
                    null,
                    true,
                    false,
                    null,
                    DateTimeOffset.UnixEpoch.AddYears(56),
                    "test",
                    null,
                    null
                ),
                null,
                CancellationToken.None
            );
        var selected = await _server.GetAsync("/api/lightning/deployments/selected?agent_id=shop&session_id=s");
        await _server.PostAsync(Episodes, Claim("own", "shop", release.Id));
        await _server.PostAsync(Episodes, Claim("foreign", "bank", release.Id));
        using var batch = await _server.PostRawAsync(
            Capture,
            """{"type":"episode","id":"unknown","agent_id":"shop","user_input":"x","deployment_id":"elsewhere","metadata":{"a":"b"}}""",
            "application/x-ndjson"
        );

        Assert.Equal(
            ("release-1", "tuned-1"),
            (selected.GetProperty("deployment_id").GetString(), selected.GetProperty("tuned_model_name").GetString())
        );
        Assert.Equal("release-1", (await _server.GetAsync($"{Episodes}/own")).GetProperty("deployment_id").GetString());
        var (foreign, unknown) = (await _server.GetAsync($"{Episodes}/foreign"), await _server.GetAsync($"{Episodes}/unknown"));
        Assert.Equal(JsonValueKind.Null, foreign.GetProperty("deployment_id").ValueKind);
        Assert.Equal("release-1", foreign.GetProperty("metadata").GetProperty("claimed_deployment_id").GetString());
        Assert.Equal(JsonValueKind.Null, unknown.GetProperty("deployment_id").ValueKind);
        Assert.Equal("""{"a":"b","claimed_deployment_id":"elsewhere"}""", unknown.GetProperty("metadata").GetRawText());

        static object Claim(string id, string agent, string release) =>
            new
            {
                id,
                agent_id = agent,
                user_input = "x",
                deployment_id = release,
            };
    }

    [Fact]
    public async Task An_episode_with_everything_comes_back_as_it_was_sent()
    {
        using var response = await _server.PostRawAsync(
            Episodes,
            """
            {"id":"e-1","agent_id":"shop","user_input":"where is it","assistant_output":"on its way","created_at":"2026-01-02T03:04:05.678901+02:00","request_latency_ms":12.5,
             "status":"failed","model_deployment":"m-1","session_id":"s 1","user_id":"u1","message_id":"m1","trace_id":"0AF7651916CD43DD8448EB211C80319C","correlation_id":"c1",
             "intent":"order","persona":"homeowner","error":"Timeout: it took too long","time_to_first_token_ms":3.5,"internal":true,"action":"a","action_log_probability":-0.5,
             "tool_calls":[{"tool_name":"find","arguments":"{\"n\":1}","result":"found","duration_ms":4,"error":null}],
             "messages":[{"role":"user","content":"where is it"},{"role":"assistant","content":null,"tool_calls":[{"id":"t1","name":"find","arguments":"{}"}]},{"role":"tool","content":"found","tool_call_id":"t1"}],
             "tokens":{"prompt_ids":[1,2],"completion_ids":[3],"completion_log_probabilities":[-0.25]},"tags":["a","b"],"token_usage":{"prompt":2,"completion":1,"total":3},
             "metadata":{"text":"x","number":3,"deep":{"a":[1]}},"type":"episode","unknown":1}
            """
        );
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal("/api/lightning/episodes/e-1", response.Headers.Location?.OriginalString);

        var stored = await _server.GetAsync($"{Episodes}/e-1");

        Assert.Equal("2026-01-02T01:04:05.678901Z", stored.GetProperty("created_at").GetString());
        Assert.Equal("0af7651916cd43dd8448eb211c80319c", stored.GetProperty("trace_id").GetString());
        Assert.Equal(
            ("failed", "s 1", 12.5, 3.5),
            (
                stored.GetProperty("status").GetString(),
                stored.GetProperty("session_id").GetString(),
                stored.GetProperty("request_latency_ms").GetDouble(),
                stored.GetProperty("time_to_first_token_ms").GetDouble()
            )
        );
        Assert.Equal("t1", stored.GetProperty("messages")[1].GetProperty("tool_calls")[0].GetProperty("id").GetString());
        Assert.Equal("find", stored.GetProperty("tool_calls")[0].GetProperty("tool_name").GetString());
        Assert.Equal(-0.25, stored.GetProperty("tokens").GetProperty("completion_log_probabilities")[0].GetDouble());
        Assert.Equal("""{"text":"x","number":"3","deep":"{\"a\":[1]}"}""", stored.GetProperty("metadata").GetRawText());
        Assert.True(stored.GetProperty("internal").GetBoolean());
    }

    [Fact]
    public async Task An_episode_without_an_id_gets_one_that_finds_it()
    {
        using var response = await _server.PostRawAsync(Episodes, """{"agent_id":"a","user_input":"x"}""");

        var answer = await JsonOf(response);

        Assert.Equal('7', Guid.Parse(answer.GetProperty("episode_id").GetString()!).ToString("D")[14]);
        Assert.False(answer.GetProperty("duplicate").GetBoolean());
        Assert.Equal(
            "x",
            (await _server.GetAsync($"{Episodes}/{answer.GetProperty("episode_id").GetString()}")).GetProperty("user_input").GetString()
        );
    }

    [Fact]
    public async Task The_same_id_twice_is_one_record_and_the_first_stays()
    {
        using var first = await _server.PostRawAsync(Episodes, """{"id":"e1","agent_id":"a","user_input":"first"}""");

        var second = await _server.PostAsync(
            Episodes,
            new
            {
                id = "e1",
                agent_id = "a",
                user_input = "second",
            }
        );

        Assert.True(second.GetProperty("duplicate").GetBoolean());
        Assert.Equal("first", (await _server.GetAsync($"{Episodes}/e1")).GetProperty("user_input").GetString());
    }

    [Fact]
    public async Task Two_agents_may_choose_one_id_and_neither_learns_of_the_others_episode()
    {
        using var red = await _server.ClientAsync(Role.Admin, "red");
        using var blue = await _server.ClientAsync(Role.Admin, "blue");
        await TellAsync(red, "taken", "red");

        // The answers for an id that another agent has, and for one that nobody has, differ in nothing.
        var (taken, free) = (await TellAsync(blue, "taken", "blue"), await TellAsync(blue, "free", "blue"));
        Assert.Equal(HttpStatusCode.Created, free.Status);
        Assert.Equal(
            free,
            (
                taken.Status,
                taken.Location!.Replace("taken", "free", StringComparison.Ordinal),
                taken.Id.Replace("taken", "free", StringComparison.Ordinal)
            )
        );

        // Each is read, rewarded and deleted under the id that its agent gave.
        using var reward = await blue.PostAsync("/api/lightning/rewards", Json("""{"episode_id":"taken","reward":-1}"""));
        Assert.Equal("taken", (await JsonOf(reward)).GetProperty("episode_id").GetString());
        using var ofBlue = JsonDocument.Parse(await blue.GetStringAsync($"{Episodes}/taken"));
        using var ofRed = JsonDocument.Parse(await red.GetStringAsync($"{Episodes}/taken"));
        Assert.Equal(
            ("blue", 1),
            (ofBlue.RootElement.GetProperty("user_input").GetString(), ofBlue.RootElement.GetProperty("rewards").GetArrayLength())
        );
        Assert.Equal(
            ("red", 0),
            (ofRed.RootElement.GetProperty("user_input").GetString(), ofRed.RootElement.GetProperty("rewards").GetArrayLength())
        );
        using var list = JsonDocument.Parse(await blue.GetStringAsync(Episodes));
        Assert.Equal(
            ["free", "taken"],
            list.RootElement.GetProperty("episodes").EnumerateArray().Select(episode => episode.GetProperty("id").GetString()!).Order()
        );
        Assert.DoesNotContain('~', await blue.GetStringAsync("/api/lightning/rewards?episode_id=taken"));
        using var deleted = await blue.DeleteAsync($"{Episodes}/taken");
        Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await blue.GetAsync($"{Episodes}/taken")).StatusCode);
        await red.GetStringAsync($"{Episodes}/taken");

        static async Task<(HttpStatusCode Status, string? Location, string Id)> TellAsync(HttpClient client, string id, string text)
        {
            using var response = await client.PostAsync(
                Episodes,
                Json($$"""{"id":"{{id}}","agent_id":"{{text}}","user_input":"{{text}}"}""")
            );
            var answer = await JsonOf(response);
            return (response.StatusCode, response.Headers.Location?.OriginalString, answer.GetProperty("episode_id").GetString()!);
        }
    }

    [Fact]
    public async Task Of_two_agents_that_send_one_new_id_at_once_each_has_what_it_was_told()
    {
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 60)
                .Select(async i =>
                {
                    using var response = await _server.PostRawAsync(
                        Episodes,
                        $$"""{"id":"race-{{i / 2}}","agent_id":"agent-{{i % 2}}","user_input":"x"}"""
                    );
                    return (
                        Agent: $"agent-{i % 2}",
                        response.StatusCode,
                        Id: (await JsonOf(response)).GetProperty("episode_id").GetString()!
                    );
                })
        );

        foreach (var (agent, status, id) in answers)
        {
            Assert.Equal(HttpStatusCode.Created, status);
            Assert.Equal(agent, (await _server.GetAsync($"{Episodes}/{id}")).GetProperty("agent_id").GetString());
        }
    }

    [Theory]
    [InlineData("a/b")]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("a\\b")]
    public async Task An_id_that_no_address_can_hold_is_refused_at_every_door(string id)
    {
        var json = id.Replace("\\", "\\\\", StringComparison.Ordinal);
        await _server.PostRawAsync(Episodes, """{"id":"e1","agent_id":"a","user_input":"x"}""");

        foreach (
            var (path, body) in new[]
            {
                (Episodes, $$"""{"id":"{{json}}","agent_id":"a","user_input":"x"}"""),
                (Episodes, $$"""{"message_id":"{{json}}","agent_id":"a","user_input":"x"}"""),
                ("/api/lightning/rewards", $$"""{"reward_id":"{{json}}","episode_id":"e1","reward":1}"""),
                ("/api/lightning/triage", $$"""{"episode_id":"{{json}}","comment":"x"}"""),
                (
                    "/api/v1/chat/feedback",
                    $$"""{"feedback_id":"{{json}}","message_id":"01890a5d-ac96-774b-bcce-b302099a8057","feedback_type":"copy"}"""
                ),
            }
        )
        {
            Assert.Contains(
                "part of addresses",
                await _server.RefusedAsync(HttpStatusCode.BadRequest, path, body),
                StringComparison.Ordinal
            );
        }

        var outcome = await BatchAsync(
            $$"""{"type":"episode","id":"{{json}}","agent_id":"a","user_input":"x"}""",
            $$"""{"type":"reward","reward_id":"{{json}}","episode_id":"e1","reward":1}"""
        );
        Assert.Equal(2, outcome.GetProperty("rejected").GetArrayLength());
    }

    [Theory]
    [InlineData("a?b")]
    [InlineData("a#b")]
    [InlineData("a%2Fb")]
    [InlineData("a&b=c+d")]
    [InlineData("...a")]
    [InlineData("Grüße🙂")]
    [InlineData("a:b;c,d")]
    public async Task Every_id_that_is_taken_is_read_and_deleted_by_its_address(string id)
    {
        using var response = await _server.PostRawAsync(
            Episodes,
            JsonSerializer.Serialize(
                new
                {
                    id,
                    agent_id = "a",
                    user_input = "x",
                }
            )
        );
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);

        Assert.Equal(id, (await _server.GetAsync(response.Headers.Location!.OriginalString)).GetProperty("id").GetString());
        using var deleted = await _server.Http.DeleteAsync($"{Episodes}/{Uri.EscapeDataString(id)}");
        Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
    }

    [Fact]
    public async Task What_will_never_be_stored_is_not_answered_with_send_again()
    {
        const string Key = "ghp_FAKE0000EXAMPLE0000FAKE0000EXAMPLE00";

        Assert.Contains(
            "model",
            await _server.RefusedAsync(
                HttpStatusCode.BadRequest,
                Episodes,
                $$"""{"agent_id":"a","user_input":"x","model_deployment":"{{Key}}"}"""
            ),
            StringComparison.Ordinal
        );
        var outcome = await BatchAsync(
            $$"""{"type":"episode","id":"e1","agent_id":"a","user_input":"x","tool_calls":[{"tool_name":"{{Key}}"}]}""",
            """{"type":"episode","id":"e2","agent_id":"a","user_input":"x"}"""
        );

        Assert.Equal((1, 1), (outcome.GetProperty("accepted").GetInt32(), outcome.GetProperty("rejected").GetArrayLength()));
    }

    [Theory]
    [InlineData("""{"user_input":"x"}""", "agent_id and user_input are required.")]
    [InlineData("""{"agent_id":"a"}""", "agent_id and user_input are required.")]
    [InlineData("""{"agent_id":"a b","user_input":"x"}""", "agent_id must be 1 to 200 characters without blanks")]
    [InlineData("""{"agent_id":"a","user_input":"x","id":""}""", "id must be 1 to 200 characters")]
    [InlineData("""{"agent_id":"a","user_input":"x\u0000"}""", "user_input cannot hold the character U+0000, but it does at position 1.")]
    [InlineData(
        """{"agent_id":"a","user_input":"x","request_latency_ms":-1}""",
        "request_latency_ms must be a number from 0 to 2678400000, but it is -1."
    )]
    [InlineData(
        """{"agent_id":"a","user_input":"x","request_latency_ms":1e999}""",
        "request_latency_ms must be a number from 0 to 2678400000, but it is Infinity."
    )]
    [InlineData(
        """{"agent_id":"a","user_input":"x","action_log_probability":0.1}""",
        "action_log_probability must be a number from -1000000 to 0, but it is 0.1."
    )]
    [InlineData(
        """{"agent_id":"a","user_input":"x","status":"done"}""",
        "status must be one of succeeded, failed, cancelled, but it is 'done'."
    )]
    [InlineData("""{"agent_id":"a","user_input":"x","trace_id":"xyz"}""", "trace_id must be 32 hexadecimal digits")]
    [InlineData("""{"agent_id":"a","user_input":"x","created_at":"1969-12-31T23:59:59Z"}""", "created_at must be from 1970 on")]
    [InlineData(
        """{"agent_id":"a","user_input":"x","tool_calls":[{"arguments":"{}"}]}""",
        "tool_calls[0].tool_name must be 1 to 200 characters"
    )]
    [InlineData("""{"agent_id":"a","user_input":"x","tool_calls":[null]}""", "tool_calls must not hold null, but item 0 is.")]
    [InlineData(
        """{"agent_id":"a","user_input":"x","tool_calls":[{"tool_name":"t","duration_ms":-3}]}""",
        "tool_calls[0].duration_ms must be a number from 0"
    )]
    [InlineData("""{"agent_id":"a","user_input":"x","messages":[{"content":"x"}]}""", "messages[0].role must be 1 to 200 characters")]
    [InlineData(
        """{"agent_id":"a","user_input":"x","tokens":{"prompt_ids":[1],"completion_ids":[1],"completion_log_probabilities":[]}}""",
        "tokens.completion_log_probabilities must be as long as completion_ids (1), but it holds 0."
    )]
    [InlineData(
        """{"agent_id":"a","user_input":"x","tokens":{"prompt_ids":[-5],"completion_ids":[]}}""",
        "tokens must hold ids from 0, but it holds -5."
    )]
    [InlineData(
        """{"agent_id":"a","user_input":"x","token_usage":{"prompt":-1,"completion":0,"total":0}}""",
        "token_usage must be counts from 0"
    )]
    [InlineData("""{"agent_id":"a","user_input":"x","created_at":"yesterday"}""", "at $.created_at")]
    [InlineData("""{"agent_id":"a","user_input":"x","metadata":{"a":"\ud800"}}""", "metadata holds a text that is none")]
    public async Task A_wrong_field_is_named_with_its_value_and_its_range(string body, string detail) =>
        Assert.Contains(detail, await _server.RefusedAsync(HttpStatusCode.BadRequest, Episodes, body), StringComparison.Ordinal);

    [Fact]
    public async Task A_clock_that_is_ahead_does_not_put_a_record_above_all_others_and_an_old_record_keeps_its_time()
    {
        await BatchAsync(
            """{"type":"episode","id":"ahead","agent_id":"a","user_input":"x","created_at":"2999-01-01T00:00:00Z"}""",
            """{"type":"episode","id":"old","agent_id":"a","user_input":"x","created_at":"2001-01-01T00:00:00Z"}"""
        );

        var ahead = await _server.GetAsync($"{Episodes}/ahead");

        Assert.True(ahead.GetProperty("created_at").GetDateTimeOffset() <= TimeProvider.System.GetUtcNow());
        Assert.Equal("2999-01-01T00:00:00.0000000Z", ahead.GetProperty("metadata").GetProperty("client_created_at").GetString());
        Assert.Equal("2001-01-01T00:00:00Z", (await _server.GetAsync($"{Episodes}/old")).GetProperty("created_at").GetString());
    }

    [Fact]
    public async Task In_a_batch_a_reward_may_stand_before_and_after_its_episode_and_one_of_none_is_told()
    {
        var outcome = await BatchAsync(
            """{"type":"episode","id":"e1","agent_id":"a","user_input":"x"}""",
            "",
            """{"type":"reward","episode_id":"e1","reward":0.5,"reward_id":"r1","source":"latency_penalty","rubric":"latency > 10000ms","evaluator":"auto"}""",
            """{"episode_id":"later","reward":1,"type":"reward"}""",
            """{"episode_id":"never","reward":1,"type":"reward"}""",
            """{"type":"episode","id":"later","agent_id":"a","user_input":"y"}"""
        );

        Assert.Equal((4, 0), (outcome.GetProperty("accepted").GetInt32(), outcome.GetProperty("duplicates").GetInt32()));
        var rejected = Assert.Single(outcome.GetProperty("rejected").EnumerateArray());
        Assert.Equal(5, rejected.GetProperty("line").GetInt32());
        Assert.StartsWith("Episode never not found.", rejected.GetProperty("error").GetString(), StringComparison.Ordinal);
        var reward = (await _server.GetAsync($"{Episodes}/e1")).GetProperty("rewards")[0];
        Assert.Equal(
            ("r1", "latency_penalty", "latency > 10000ms", "auto"),
            (
                reward.GetProperty("id").GetString(),
                reward.GetProperty("source").GetString(),
                reward.GetProperty("rubric").GetString(),
                reward.GetProperty("evaluator").GetString()
            )
        );
    }

    [Fact]
    public async Task Sending_a_batch_again_doubles_nothing()
    {
        string[] lines =
        [
            .. Enumerable.Range(0, 700).Select(i => $$"""{"type":"episode","id":"e{{i}}","agent_id":"a","user_input":"x{{i}}"}"""),
            """{"type":"reward","episode_id":"e0","reward":1,"reward_id":"r"}""",
            """{"type":"episode","id":"e0","agent_id":"a","user_input":"other"}""",
        ];
        var first = await BatchAsync(lines);

        var second = await BatchAsync(lines);

        Assert.Equal((701, 1), (first.GetProperty("accepted").GetInt32(), first.GetProperty("duplicates").GetInt32()));
        Assert.Equal((0, 702), (second.GetProperty("accepted").GetInt32(), second.GetProperty("duplicates").GetInt32()));
        var stats = (await _server.GetAsync("/api/lightning/stats?agent_id=a")).GetProperty("statistics");
        Assert.Equal((700, 1), (stats.GetProperty("total_episodes").GetInt32(), stats.GetProperty("total_rewards").GetInt32()));
    }

    [Fact]
    public async Task A_bad_line_is_told_with_its_number_and_does_not_stop_the_others()
    {
        var outcome = await BatchAsync(
            """{"type":"episode","id":"e1","agent_id":"a","user_input":"x","request_latency_ms":"slow"}""",
            "{",
            "[]",
            "null",
            """{"type":"span"}""",
            """{"type":3}""",
            """{"type":"reward","reward_id":"r9","episode_id":"e2","reward":2}""",
            """{"type":"reward","episode_id":"e2","reward":NaN}""",
            "\u0001\ufffd",
            """{"type":"episode","id":"e2","agent_id":"a","user_input":"x"}"""
        );

        Assert.Equal(1, outcome.GetProperty("accepted").GetInt32());
        var rejected = outcome.GetProperty("rejected").EnumerateArray().ToList();
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9], rejected.Select(line => line.GetProperty("line").GetInt32()));
        Assert.Equal("r9", rejected[6].GetProperty("id").GetString());
        Assert.Contains("from -1 to 1, but it is 2", rejected[6].GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.All(rejected, line => ServerUnderTest.AssertSaysNothingOfTheInside(line.GetRawText()));
        await _server.GetAsync($"{Episodes}/e2");
    }

    [Fact]
    public async Task A_batch_may_be_compressed_and_what_is_no_gzip_is_refused()
    {
        const string Line = """{"type":"episode","id":"e1","agent_id":"a","user_input":"x"}""";
        using var good = await SendAsync(Gzip(Encoding.UTF8.GetBytes(Line)), "gzip");
        Assert.Equal(1, (await JsonOf(good)).GetProperty("accepted").GetInt32());

        using var plain = await SendAsync(Encoding.UTF8.GetBytes(Line), "gzip");
        Assert.Contains("gzip", await ServerUnderTest.ProblemAsync(HttpStatusCode.BadRequest, plain), StringComparison.Ordinal);
        using var unknown = await SendAsync(Encoding.UTF8.GetBytes(Line), "br");
        await ServerUnderTest.ProblemAsync(HttpStatusCode.UnsupportedMediaType, unknown);
        using var cut = await SendAsync(Gzip(Encoding.UTF8.GetBytes(Line))[..20], "gzip");
        Assert.True(cut.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.OK);
    }

    [Theory]
    [InlineData('x', "line 1 is longer")]
    [InlineData('\n', "at most 100000 lines")]
    public async Task A_small_body_that_inflates_beyond_the_limits_is_refused(char filling, string detail)
    {
        var body = Gzip(Encoding.UTF8.GetBytes(new string(filling, 20 * 1024 * 1024)));
        Assert.True(body.Length < 256 * 1024);

        using var response = await SendAsync(body, "gzip");

        Assert.Contains(detail, await ServerUnderTest.ProblemAsync(HttpStatusCode.BadRequest, response), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_that_was_planted_through_the_capture_doors_is_in_any_file_or_answer()
    {
        const string Key = "ghp_FAKE0000EXAMPLE0000FAKE0000EXAMPLE00";
        await _server.PostRawAsync(
            Episodes,
            $$"""{"id":"e1","agent_id":"a","user_input":"password=planted-0001","messages":[{"role":"user","content":"{{Key}}"}],"metadata":{"api_key":"planted-0002"},"tool_calls":[{"tool_name":"t","arguments":"{\"token\":\"planted-0003\"}"}]}"""
        );
        var outcome = await BatchAsync(
            $$"""{"type":"episode","id":"e2","agent_id":"a","user_input":"x","assistant_output":"mail planted@example.com"}""",
            $$"""{"type":"episode","id":"{{Key}}","agent_id":"a","user_input":"x"}""",
            $$"""{"type":"reward","episode_id":"e2","reward":1,"feedback":"secret: planted-0004"}""",
            $$"""{"type":"{{Key}}"}"""
        );

        Assert.Equal(2, outcome.GetProperty("rejected").GetArrayLength());
        Assert.DoesNotContain("FAKE0000", outcome.GetRawText(), StringComparison.Ordinal);
        foreach (
            var file in Directory
                .GetFiles(_folder.Path, "*", SearchOption.AllDirectories)
                .Where(file => !file.EndsWith("-shm", StringComparison.Ordinal))
        )
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(stream, Encoding.Latin1);
            var bytes = await reader.ReadToEndAsync();
            Assert.DoesNotContain("planted", bytes, StringComparison.Ordinal);
            Assert.DoesNotContain("FAKE0000", bytes, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_full_queue_is_answered_with_503_and_everything_else_is_on_disk()
    {
        await _server.PostRawAsync(Episodes, """{"id":"e0","agent_id":"a","user_input":"x"}""");
        await _server.DisposeAsync();
        var options = new LightningServerOptions
        {
            Urls = "http://127.0.0.1:0",
            Lightning = new LightningOptions
            {
                Store = _folder.File("lightning.db"),
                Recorder = new()
                {
                    Capacity = 1,
                    GroupSize = 1,
                    FullWait = TimeSpan.Zero,
                },
            },
        };
        await using var app = await LightningServer.BuildAsync(options, CancellationToken.None);
        await app.StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };

        // Far more at once than a queue of one can hold.
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 200)
                .Select(i =>
                    http.PostAsync(
                        Episodes,
                        new StringContent($$"""{"id":"q{{i}}","agent_id":"a","user_input":"x"}""", Encoding.UTF8, "application/json")
                    )
                )
        );

        var refused = answers.Where(answer => answer.StatusCode != HttpStatusCode.Created).ToList();
        Assert.NotEmpty(refused);
        Assert.All(refused, answer =>
            Assert.Equal(
                (HttpStatusCode.ServiceUnavailable, TimeSpan.FromSeconds(1)),
                (answer.StatusCode, answer.Headers.RetryAfter?.Delta)
            )
        );
        var list = await http.GetStringAsync($"{Episodes}?limit=1000");
        Assert.All(Enumerable.Range(0, 200), i =>
            Assert.Equal(answers[i].StatusCode == HttpStatusCode.Created, list.Contains($"\"q{i}\"", StringComparison.Ordinal))
        );
        _server = await ServerUnderTest.StartAsync(_folder.File("lightning.db"));
    }

    [Fact]
    public async Task Rewards_of_one_episode_are_given_in_the_order_of_their_lines_however_far_from_it_they_stand()
    {
        List<string> lines = [];
        for (var i = 0; i < 40; i++)
        {
            lines.Add($$"""{"type":"reward","episode_id":"e{{i}}","reward":-1,"reward_id":"first-{{i}}"}""");
        }

        // More than are stored together lie between.
        lines.AddRange(
            Enumerable.Range(0, 2_500).Select(i => $$"""{"type":"episode","id":"other-{{i}}","agent_id":"a","user_input":"x"}""")
        );
        for (var i = 0; i < 40; i++)
        {
            lines.Add($$"""{"type":"reward","episode_id":"e{{i}}","reward":1,"reward_id":"second-{{i}}"}""");
            lines.Add($$"""{"type":"episode","id":"e{{i}}","agent_id":"a","user_input":"x"}""");
        }

        var outcome = await BatchAsync([.. lines]);

        Assert.Equal((lines.Count, 0), (outcome.GetProperty("accepted").GetInt32(), outcome.GetProperty("rejected").GetArrayLength()));
        for (var i = 0; i < 40; i++)
        {
            var rewards = (await _server.GetAsync($"{Episodes}/e{i}")).GetProperty("rewards").EnumerateArray().ToList();
            Assert.Equal(
                $"second-{i}",
                Assert.Single(rewards, reward => reward.GetProperty("is_current").GetBoolean()).GetProperty("id").GetString()
            );
        }
    }

    private static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");

    private async Task<JsonElement> BatchAsync(params string[] lines)
    {
        using var response = await SendAsync(Encoding.UTF8.GetBytes(string.Join('\n', lines)), null);
        return await JsonOf(response);
    }

    private Task<HttpResponseMessage> SendAsync(byte[] body, string? encoding)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        if (encoding is not null)
        {
            content.Headers.ContentEncoding.Add(encoding);
        }

        return _server.Http.PostAsync(Capture, content);
    }

    private static byte[] Gzip(byte[] bytes)
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Fastest))
        {
            gzip.Write(bytes);
        }

        return output.ToArray();
    }

    private static async Task<JsonElement> JsonOf(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{response.StatusCode}: {text}");
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }
}
