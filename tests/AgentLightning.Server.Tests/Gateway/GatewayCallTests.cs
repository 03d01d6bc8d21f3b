using System.Text.Json;
using AgentLightning.Server.Gateway;

namespace AgentLightning.Server.Tests.Gateway;

public sealed class GatewayCallTests
{
    [Fact]
    public async Task A_call_reaches_the_upstream_and_the_answer_the_caller_byte_for_byte()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        const string Body = """
            { "strange" : {"b":[1, 2.50,{"c":"\u00e9"}]}, "model" : "model-a",  "messages":[{"role":"user","content":"é"}], "x_more":null }
            """;

        using var response = await gateway.AskAsync(Body);

        Assert.Equal(FakeUpstream.Plain, await response.Content.ReadAsStringAsync());
        var call = Assert.Single(gateway.Upstream.Calls);
        Assert.Equal(("/v1/chat/completions", Body), (call.Path, call.Body));
        Assert.Equal($"Bearer {FakeUpstream.Key}", call.Headers["authorization"]);
    }

    [Fact]
    public async Task A_model_that_has_another_name_at_the_upstream_is_the_only_thing_that_changes()
    {
        await using var gateway = await GatewayUnderTest.StartAsync(upstream: main =>
            main with
            {
                Models = ["fast=deployment \"7\""],
                KeyHeader = "api-key",
                Headers = new Dictionary<string, string> { ["x-team"] = "shop" },
            }
        );

        using var response = await gateway.AskAsync("""{"messages":[],"model":"fast","more":1}""");

        Assert.Equal(200, (int)response.StatusCode);
        var call = Assert.Single(gateway.Upstream.Calls);
        Assert.Equal("""{"messages":[],"model":"deployment \u00227\u0022","more":1}""", call.Body);
        Assert.Equal((FakeUpstream.Key, "shop"), (call.Headers["api-key"], call.Headers["x-team"]));
        Assert.False(call.Headers.ContainsKey("authorization"));
    }

    [Fact]
    public async Task A_call_becomes_an_episode_of_which_the_answer_carries_the_id()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        const string Body = """
            {"model":"model-a","user":"ann","tools":[{"type":"function","function":{"name":"find"}}],"messages":[
            {"role":"system","content":"Be short."},{"role":"user","content":[{"type":"text","text":"Where is "},{"type":"text","text":"it?"}]},
            {"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"find","arguments":"{\"id\":42}"}}]},
            {"role":"tool","tool_call_id":"c1","content":"in Oslo"}]}
            """;

        using var response = await gateway.AskAsync(Body, headers: [("x-session-id", "s-1"), ("x-lightning-agent", "shop")]);

        var episode = await gateway.EpisodeAsync(response);
        Assert.Equal(
            ("shop", "s-1", "ann", "Where is it?", "On its way.", "model-a-2026", "chatcmpl-1", "succeeded"),
            (
                Text(episode, "agent_id"),
                Text(episode, "session_id"),
                Text(episode, "user_id"),
                Text(episode, "user_input"),
                Text(episode, "assistant_output"),
                Text(episode, "model_deployment"),
                Text(episode, "message_id"),
                Text(episode, "status")
            )
        );
        Assert.Equal(
            ["system", "user", "assistant", "tool", "assistant"],
            episode.GetProperty("messages").EnumerateArray().Select(message => Text(message, "role"))
        );
        var call = Assert.Single(episode.GetProperty("tool_calls").EnumerateArray());
        Assert.Equal(("find", """{"id":42}""", "in Oslo"), (Text(call, "tool_name"), Text(call, "arguments"), Text(call, "result")));
        Assert.Equal(8, episode.GetProperty("token_usage").GetProperty("total").GetInt32());
        var metadata = episode.GetProperty("metadata");
        Assert.Equal(
            ("main", "stop", "chat/completions"),
            (Text(metadata, "upstream"), Text(metadata, "finish_reason"), Text(metadata, "route"))
        );
        Assert.Contains("\"find\"", Text(metadata, "tools"), StringComparison.Ordinal);
        Assert.True(episode.GetProperty("request_latency_ms").GetDouble() > 0);
    }

    [Fact]
    public async Task The_session_and_the_agent_come_from_the_address_or_the_body()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        foreach (
            var (path, session, agent) in new[]
            {
                ("/v1/s/from-the-address/chat/completions", "from-the-address", "default"),
                ("/v1/a/shop/s/both/chat/completions", "both", "shop"),
                ("/v1/a/shop/chat/completions", "from-the-body", "shop"),
                ("/v1/chat/completions", "from-the-body", "default"),
            }
        )
        {
            using var response = await gateway.AskAsync(
                """{"model":"model-a","metadata":{"other":{},"session_id":"from-the-body"},"messages":[]}""",
                path
            );

            var episode = await gateway.EpisodeAsync(response);
            Assert.Equal((session, agent), (Text(episode, "session_id"), Text(episode, "agent_id")));
        }
    }

    [Fact]
    public async Task Feedback_that_names_the_id_of_the_response_finds_its_episode_at_once()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();

        foreach (var body in new[] { GatewayUnderTest.Question, GatewayUnderTest.Streaming() })
        {
            var id = $"chatcmpl-{Guid.NewGuid():N}";
            gateway.Upstream.Answer = (context, call, _) =>
                call.Streams
                    ? FakeUpstream.SendAsync(context, [FakeUpstream.Stream("yes").Replace("chatcmpl-1", id, StringComparison.Ordinal)])
                    : FakeUpstream.JsonAsync(context, 200, FakeUpstream.Plain.Replace("chatcmpl-1", id, StringComparison.Ordinal));
            using var response = await gateway.AskAsync(body);
            await response.Content.ReadAsStringAsync();

            var given = await gateway.Server.PostAsync("/api/v1/chat/feedback", new { message_id = id, feedback_type = "thumbs_up" });

            Assert.Equal(id, given.GetProperty("message_id").GetString());
            var episode = await gateway.EpisodeAsync(response);
            Assert.Single(episode.GetProperty("rewards").EnumerateArray());
        }
    }

    [Fact]
    public async Task Several_choices_and_log_probabilities_are_kept()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        gateway.Upstream.Answer = (context, _, _) =>
            FakeUpstream.JsonAsync(
                context,
                200,
                """
                {"id":"c","model":"m","choices":[
                {"index":0,"message":{"role":"assistant","content":"one"},"finish_reason":"stop","logprobs":{"content":[{"token":"one","logprob":-0.5}]}},
                {"index":1,"message":{"role":"assistant","content":"two"},"finish_reason":"length"}]}
                """
            );

        using var response = await gateway.AskAsync("""{"model":"model-a","n":2,"logprobs":true,"messages":[]}""");

        var episode = await gateway.EpisodeAsync(response);
        Assert.Equal("one", Text(episode, "assistant_output"));
        Assert.Contains("two", Text(episode.GetProperty("metadata"), "other_choices"), StringComparison.Ordinal);
        Assert.Equal("[-0.5]", Text(episode.GetProperty("metadata"), "log_probabilities"));
    }

    [Theory]
    [InlineData(true, """[1,2]""", "")]
    [InlineData(false, """[1]""", "1 ids came for 2 tokens")]
    public async Task Token_ids_are_asked_for_kept_when_they_are_whole_and_not_shown(bool kept, string ids, string unusable)
    {
        await using var gateway = await GatewayUnderTest.StartAsync(upstream: main => main with { TokenIds = true });
        gateway.Upstream.Answer = (context, _, _) =>
            FakeUpstream.JsonAsync(
                context,
                200,
                $$$"""
                {"id":"c","prompt_token_ids":[7,8,9],"choices":[{"token_ids":{{{ids}}},"index":0,"message":{"role":"assistant","content":"hi"}}] , "usage":{"prompt_tokens":3,"completion_tokens":2}}
                """
            );

        using var response = await gateway.AskAsync();

        Assert.Equal(
            """
            {"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"hi"}}] , "usage":{"prompt_tokens":3,"completion_tokens":2}}
            """,
            await response.Content.ReadAsStringAsync()
        );
        Assert.True(Assert.Single(gateway.Upstream.Calls).Json.GetProperty("return_token_ids").GetBoolean());
        var episode = await gateway.EpisodeAsync(response);
        Assert.Equal(kept, episode.GetProperty("tokens").ValueKind == JsonValueKind.Object);
        if (kept)
        {
            Assert.Equal([7, 8, 9], episode.GetProperty("tokens").GetProperty("prompt_ids").EnumerateArray().Select(id => id.GetInt32()));
        }
        else
        {
            Assert.Contains(unusable, Text(episode.GetProperty("metadata"), "token_ids_unusable"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Who_asks_for_token_ids_gets_them()
    {
        await using var gateway = await GatewayUnderTest.StartAsync(upstream: main => main with { TokenIds = true });
        const string Answer = """{"choices":[{"token_ids":[1]}]}""";
        gateway.Upstream.Answer = (context, _, _) => FakeUpstream.JsonAsync(context, 200, Answer);

        using var response = await gateway.AskAsync("""{"model":"model-a","return_token_ids":true,"messages":[]}""");

        Assert.Equal(Answer, await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Completions_embeddings_and_responses_pass_through_and_are_kept()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        foreach (
            var (route, body, answer, input, output) in new[]
            {
                (
                    "completions",
                    """{"model":"text-1","prompt":"Once"}""",
                    """{"id":"x","choices":[{"text":" upon","index":0,"finish_reason":"stop"}]}""",
                    "Once",
                    " upon"
                ),
                (
                    "embeddings",
                    """{"model":"text-2","input":"Once"}""",
                    """{"object":"list","data":[{"embedding":[0.5]}],"usage":{"prompt_tokens":1,"total_tokens":1}}""",
                    "Once",
                    ""
                ),
                (
                    "responses",
                    """{"model":"text-3","instructions":"Short.","input":"Hello"}""",
                    """{"id":"resp_1","model":"m","status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"Hi"}]}],"usage":{"input_tokens":2,"output_tokens":1}}""",
                    "Hello",
                    "Hi"
                ),
            }
        )
        {
            gateway.Upstream.Answer = (context, _, _) => FakeUpstream.JsonAsync(context, 200, answer);

            using var response = await gateway.AskAsync(body, $"/v1/{route}");

            Assert.Equal(answer, await response.Content.ReadAsStringAsync());
            Assert.Equal((body, $"/v1/{route}"), (gateway.Upstream.Calls.Last().Body, gateway.Upstream.Calls.Last().Path));
            var episode = await gateway.EpisodeAsync(response);
            Assert.Equal((input, output), (Text(episode, "user_input"), Text(episode, "assistant_output")));
        }
    }

    [Fact]
    public async Task The_models_are_those_of_the_settings_and_of_the_upstreams_and_the_agents()
    {
        await using var gateway = await GatewayUnderTest.StartAsync(options =>
            options with
            {
                Agents = new Dictionary<string, GatewayAgentOptions> { ["shop"] = new() { BaseModel = "model-a" } },
                DefaultUpstream = null,
                Upstreams = new Dictionary<string, UpstreamOptions>(options.Upstreams)
                {
                    ["other"] = new() { Url = "http://127.0.0.1:9", Models = ["model-b"] },
                },
            }
        );
        gateway.Upstream.Answer = (context, _, _) =>
            FakeUpstream.JsonAsync(context, 200, """{"data":[{"id":"text-9","created":7},{"id":"hidden"}]}""");

        var models = await gateway.Server.GetAsync("/v1/models");

        Assert.Equal(
            ["agent:shop", "model-a", "text-9", "model-b"],
            models.GetProperty("data").EnumerateArray().Select(model => Text(model, "id"))
        );
    }

    [Fact]
    public async Task A_large_answer_passes_in_pieces_and_whole()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        var answer =
            $$$"""{"id":"c","choices":[{"index":0,"message":{"content":"{{{new string('x', 5_000_000)}}}"}}],"key":"{{{FakeUpstream.Key}}}"}""";
        gateway.Upstream.Answer = (context, _, _) => FakeUpstream.JsonAsync(context, 200, answer);

        using var response = await gateway.AskAsync();

        Assert.Equal(
            answer.Replace(FakeUpstream.Key, new string('*', FakeUpstream.Key.Length), StringComparison.Ordinal),
            await response.Content.ReadAsStringAsync()
        );
        Assert.EndsWith("[cut]", Text(await gateway.EpisodeAsync(response), "assistant_output"), StringComparison.Ordinal);
    }

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();
}
