using System.Text.Json;
using AgentLightning.Server.Gateway;
using AgentLightning.Server.Tests.Support;

namespace AgentLightning.Server.Tests.Gateway;

public sealed class GatewayFailureTests
{
    [Fact]
    public async Task A_failure_that_may_pass_is_tried_again()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        foreach (var status in new[] { 408, 409, 429, 500, 503 })
        {
            gateway.Upstream.Calls.Clear();
            gateway.Upstream.Answer = (context, _, number) =>
                number < 3 ? FakeUpstream.JsonAsync(context, status, "{}") : FakeUpstream.JsonAsync(context, 200, FakeUpstream.Plain);

            using var response = await gateway.AskAsync();

            Assert.Equal(FakeUpstream.Plain, await response.Content.ReadAsStringAsync());
            Assert.Equal((status, 3), (status, gateway.Upstream.Calls.Count));
            // To the upstream the attempts are one call.
            Assert.Single(gateway.Upstream.Calls.Select(call => call.Headers["idempotency-key"]).Distinct());
        }
    }

    [Fact]
    public async Task A_connection_that_is_cut_is_tried_again_while_nothing_was_sent()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        gateway.Upstream.Answer = async (context, _, number) =>
        {
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = FakeUpstream.Plain.Length;
            if (number == 1)
            {
                await context.Response.Body.WriteAsync("{\"id\":"u8.ToArray());
                await context.Response.Body.FlushAsync();
                context.Abort();
                return;
            }

            await FakeUpstream.JsonAsync(context, 200, FakeUpstream.Plain);
        };

        using var response = await gateway.AskAsync();

        Assert.Equal(FakeUpstream.Plain, await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_failure_that_stays_is_passed_on_in_the_upstream_s_words()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        var said = """{"error":{"message":"no such thing","type":"invalid_request_error","param":"messages","code":null}}""";
        foreach (var status in new[] { 400, 404, 422, 501 })
        {
            gateway.Upstream.Calls.Clear();
            gateway.Upstream.Answer = (context, _, _) => FakeUpstream.JsonAsync(context, status, said);

            using var response = await gateway.AskAsync();

            Assert.Equal((status, said), ((int)response.StatusCode, await response.Content.ReadAsStringAsync()));
            Assert.Single(gateway.Upstream.Calls);
            Assert.Equal("failed", (await gateway.EpisodeAsync(response)).GetProperty("status").GetString());
        }
    }

    [Fact]
    public async Task An_upstream_that_asks_for_a_long_wait_is_not_asked_again_and_its_wish_is_passed_on()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        gateway.Upstream.Answer = (context, _, _) =>
        {
            context.Response.Headers.RetryAfter = "30";
            return FakeUpstream.JsonAsync(context, 429, "{}");
        };

        using var response = await gateway.AskAsync();

        Assert.Equal((429, 30.0), ((int)response.StatusCode, response.Headers.RetryAfter!.Delta!.Value.TotalSeconds));
        Assert.Single(gateway.Upstream.Calls);
    }

    [Fact]
    public async Task Another_upstream_of_the_model_is_asked_at_once()
    {
        await using var other = await FakeUpstream.StartAsync();
        await using var gateway = await GatewayUnderTest.StartAsync(options =>
            options with
            {
                Upstreams = new Dictionary<string, UpstreamOptions>(options.Upstreams)
                {
                    ["other"] = new()
                    {
                        Url = other.Url,
                        Models = ["model-a=other-name"],
                        Priority = 200,
                    },
                    ["gone"] = new()
                    {
                        Url = "http://127.0.0.1:1/v1",
                        Models = ["model-a"],
                        Priority = 1,
                    },
                },
            }
        );
        gateway.Upstream.Answer = (context, _, _) =>
        {
            context.Response.Headers.RetryAfter = "30";
            return FakeUpstream.JsonAsync(context, 429, "{}");
        };

        using var response = await gateway.AskAsync();

        Assert.Equal(FakeUpstream.Plain, await response.Content.ReadAsStringAsync());
        Assert.Equal("other-name", Assert.Single(other.Calls).Json.GetProperty("model").GetString());
        // Each with its own key and no other's.
        Assert.False(other.Calls.Single().Headers.ContainsKey("authorization"));
        Assert.Equal("other", (await gateway.EpisodeAsync(response)).GetProperty("metadata").GetProperty("upstream").GetString());
    }

    [Fact]
    public async Task Retries_are_a_part_of_the_calls_and_no_more()
    {
        await using var gateway = await GatewayUnderTest.StartAsync(options => options with { RetryPercent = 0, Attempts = 5 });
        gateway.Upstream.Answer = (context, _, _) => FakeUpstream.JsonAsync(context, 500, "{}");

        using var response = await gateway.AskAsync();

        Assert.Equal(500, (int)response.StatusCode);
        Assert.Single(gateway.Upstream.Calls);
    }

    [Fact]
    public async Task An_upstream_that_fails_all_the_time_is_left_alone()
    {
        await using var gateway = await GatewayUnderTest.StartAsync(options => options with { Attempts = 1 });
        gateway.Upstream.Answer = (context, _, _) => FakeUpstream.JsonAsync(context, 500, "{}");
        for (var i = 0; i < 10; i++)
        {
            using var failed = await gateway.AskAsync();
        }

        using var response = await gateway.AskAsync();

        var error = await GatewayUnderTest.ErrorAsync(503, response);
        Assert.Equal("upstream_unavailable", error.GetProperty("code").GetString());
        Assert.Equal(10, gateway.Upstream.Calls.Count);
    }

    [Fact]
    public async Task The_key_of_an_upstream_leaves_by_no_way()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        gateway.Upstream.Answer = (context, call, _) =>
        {
            context.Response.Headers["x-echo"] = call.Headers["authorization"];
            context.Response.Headers["openai-organization"] = "org-secret";
            context.Response.Headers["x-request-id"] = "kept";
            var echo = JsonSerializer.Serialize(FakeUpstream.Key);
            return call.Json.GetProperty("messages")[0].GetProperty("content").GetString() switch
            {
                "error" => FakeUpstream.JsonAsync(context, 400, $$$"""{"error":{"message":{{{echo}}}}}"""),
                "refused" => FakeUpstream.JsonAsync(
                    context,
                    401,
                    $$$"""{"error":{"message":"Incorrect API key: {{{FakeUpstream.Key}}}"}}"""
                ),
                "stream" => FakeUpstream.SendAsync(context, [FakeUpstream.Stream(FakeUpstream.Key)]),
                _ => FakeUpstream.JsonAsync(context, 200, $$$"""{"id":"c","choices":[{"message":{"content":{{{echo}}}}}]}"""),
            };
        };

        foreach (var (what, status) in new[] { ("plain", 200), ("stream", 200), ("error", 400), ("refused", 502) })
        {
            using var response = await gateway.AskAsync(
                $$"""{"model":"model-a","stream":{{(what == "stream" ? "true" : "false")}},"messages":[{"role":"user","content":"{{what}}"}]}"""
            );

            var text = $"{response.Headers}{response.Content.Headers}{await response.Content.ReadAsStringAsync()}";
            Assert.Equal((what, status), (what, (int)response.StatusCode));
            Assert.DoesNotContain(FakeUpstream.Key, text, StringComparison.Ordinal);
            Assert.DoesNotContain("org-secret", text, StringComparison.Ordinal);
            Assert.DoesNotContain(FakeUpstream.Key, $"{await gateway.EpisodeAsync(response)}", StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_the_caller_is_known_by_does_not_reach_the_upstream()
    {
        await using var gateway = await GatewayUnderTest.StartAsync();
        var client = await gateway.Server.ClientAsync(AgentLightning.Access.Role.Write);

        using var response = await GatewayUnderTest.AskAsync(
            client,
            GatewayUnderTest.Question,
            "/v1/chat/completions",
            CancellationToken.None,
            ("x-api-key", "lk_other"),
            ("cookie", "a=b"),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        );

        Assert.Equal(200, (int)response.StatusCode);
        var headers = Assert.Single(gateway.Upstream.Calls).Headers;
        Assert.Equal($"Bearer {FakeUpstream.Key}", headers["authorization"]);
        Assert.False(headers.ContainsKey("x-api-key") || headers.ContainsKey("cookie"));
        Assert.True(headers.ContainsKey("traceparent"));
    }

    [Fact]
    public async Task A_call_that_cannot_be_right_is_told_so_in_openai_s_form()
    {
        await using var gateway = await GatewayUnderTest.StartAsync(TwoUpstreams);
        foreach (
            var (body, status, said) in new[]
            {
                ("", 400, "JSON"),
                ("[]", 400, "JSON object"),
                ("{\"model\":", 400, "cannot be read as JSON (line 1, byte 10)"),
                ("""{"messages":[]}""", 400, "model is required"),
                ("""{"model":7}""", 400, "model is required"),
                ("""{"model":"a","model":"b"}""", 400, "stands twice"),
                ("""{"model":"model-b"}""", 404, "Did you mean model-a"),
                ("""{"model":"agent:shopp"}""", 404, "Did you mean shop"),
                ("""{"model":"agent: "}""", 400, "agent in model must be"),
                ("""{"model":"model-a","user":"a\u0000b"}""", 400, "user must be"),
            }
        )
        {
            using var response = await gateway.AskAsync(body);

            var error = await GatewayUnderTest.ErrorAsync(status, response);
            Assert.Contains(said, error.GetProperty("message").GetString(), StringComparison.Ordinal);
        }

        Assert.Empty(gateway.Upstream.Calls);
    }

    [Fact]
    public async Task Without_an_upstream_the_answer_says_which_setting_is_missing()
    {
        using var folder = new AgentLightning.Testing.TemporaryFolder();
        await using var server = await ServerUnderTest.StartAsync(folder.File("lightning.db"));

        using var response = await server.PostRawAsync("/v1/chat/completions", GatewayUnderTest.Question);

        var error = await GatewayUnderTest.ErrorAsync(404, response);
        Assert.Contains("gateway.upstreams.NAME.url", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_call_for_which_there_is_no_room_is_answered_and_counted_and_not_kept()
    {
        await using var gateway = await GatewayUnderTest.StartAsync(options => options with { CaptureBytes = 1024 * 1024 });
        var large = FakeUpstream.Plain.Replace("On its way.", new string('x', 1_200_000), StringComparison.Ordinal);
        gateway.Upstream.Answer = (context, _, _) => FakeUpstream.JsonAsync(context, 200, large);

        using var response = await gateway.AskAsync();

        Assert.Equal(large, await response.Content.ReadAsStringAsync());
        Assert.Equal(0, (await gateway.Server.GetAsync("/api/lightning/episodes")).GetProperty("episodes").GetArrayLength());
        var metrics = await gateway.Server.Http.GetStringAsync("/metrics");
        Assert.Matches("lightning_gateway_uncaptured_total(\\{[^}]*\\})? 1", metrics);
        Assert.Matches("lightning_gateway_capture_bytes(\\{[^}]*\\})? 0", metrics);
    }

    private static GatewayOptions TwoUpstreams(GatewayOptions options) =>
        options with
        {
            Agents = new Dictionary<string, GatewayAgentOptions> { ["shop"] = new() { BaseModel = "model-a" } },
            Upstreams = new Dictionary<string, UpstreamOptions>(options.Upstreams)
            {
                ["other"] = new() { Url = "http://127.0.0.1:9", Models = ["other"] },
            },
        };
}
