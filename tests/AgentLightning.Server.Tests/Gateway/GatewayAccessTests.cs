using System.Text;
using AgentLightning.Access;
using AgentLightning.Server.Gateway;

namespace AgentLightning.Server.Tests.Gateway;

public sealed class GatewayAccessTests
{
    [Fact]
    public async Task A_key_asks_its_own_agents_and_its_calls_are_theirs()
    {
        await using var gateway = await GatewayUnderTest.StartAsync(WithAgents);
        var shop = await gateway.Server.ClientAsync(Role.Write, "shop");

        using var own = await AskAsync(shop, "agent:shop");
        using var byName = await AskAsync(shop, "model-a");
        using var foreign = await AskAsync(shop, "agent:bank");
        using var named = await AskAsync(shop, "model-a", ("x-lightning-agent", "bank"));

        Assert.Equal((200, 200), ((int)own.StatusCode, (int)byName.StatusCode));
        Assert.Equal("base", own.Headers.GetValues("x-lightning-release").Single());
        Assert.False(byName.Headers.Contains("x-lightning-release"));
        foreach (var refused in new[] { foreign, named })
        {
            var error = await GatewayUnderTest.ErrorAsync(403, refused);
            Assert.Contains("not for the agent 'bank'", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        }

        Assert.Equal(2, gateway.Upstream.Calls.Count);
        Assert.All(gateway.Upstream.Calls, call => Assert.Equal("model-a", call.Json.GetProperty("model").GetString()));
    }

    [Fact]
    public async Task A_key_of_several_agents_must_say_whose_call_it_is_and_who_only_reads_may_not_call()
    {
        await using var gateway = await GatewayUnderTest.StartAsync(WithAgents);
        var both = await gateway.Server.ClientAsync(Role.Write, "shop", "bank");
        var reader = await gateway.Server.ClientAsync(Role.Read);

        using var unsaid = await AskAsync(both, "model-a");
        using var said = await AskAsync(both, "model-a", ("x-lightning-agent", "bank"));
        using var read = await AskAsync(reader, "model-a");
        using var nobody = await gateway.AskAsync();
        using var wrong = await AskAsync(gateway.Server.ClientOf("lk_wrong"), "model-a");

        await GatewayUnderTest.ErrorAsync(400, unsaid);
        Assert.Equal(200, (int)said.StatusCode);
        await GatewayUnderTest.ErrorAsync(403, read);
        var error = await GatewayUnderTest.ErrorAsync(401, nobody);
        Assert.Equal("invalid_api_key", error.GetProperty("code").GetString());
        await GatewayUnderTest.ErrorAsync(401, wrong);
        Assert.Single(gateway.Upstream.Calls);
    }

    [Fact]
    public async Task A_key_lists_its_own_agents()
    {
        await using var gateway = await GatewayUnderTest.StartAsync(WithAgents, main => main with { Models = ["model-a"] });
        var shop = await gateway.Server.ClientAsync(Role.Read, "shop");

        var models = await shop.GetStringAsync("/v1/models");

        Assert.Contains("agent:shop", models, StringComparison.Ordinal);
        Assert.DoesNotContain("agent:bank", models, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_many_calls_are_refused_in_openai_s_form()
    {
        await using var gateway = await GatewayUnderTest.StartAsync(server: options => options with { LoopbackRateLimit = 1 });
        using var first = await gateway.AskAsync();

        using var second = await gateway.AskAsync();

        var error = await GatewayUnderTest.ErrorAsync(429, second);
        Assert.Equal("rate_limit_exceeded", error.GetProperty("code").GetString());
        Assert.NotNull(second.Headers.RetryAfter);
    }

    [Fact]
    public async Task Each_key_spends_what_a_month_allows_and_no_more()
    {
        await using var gateway = await GatewayUnderTest.StartAsync(
            // Of the answer, 5 tokens are read and 3 written: 5 × 100 + 3 × 200 of a million.
            options => options with { MonthlySpend = 0.0012 },
            main => main with { InputPrice = 100, OutputPrice = 200 }
        );
        var (one, other) = (await gateway.Server.ClientAsync(Role.Write), await gateway.Server.ClientAsync(Role.Write));

        using var first = await AskAsync(one, "model-a");
        using var second = await AskAsync(one, "model-a");
        using var third = await AskAsync(one, "model-a");
        using var others = await AskAsync(other, "model-a");

        Assert.Equal((200, 200, 200), ((int)first.StatusCode, (int)second.StatusCode, (int)others.StatusCode));
        var error = await GatewayUnderTest.ErrorAsync(429, third);
        Assert.Equal("insufficient_quota", error.GetProperty("code").GetString());
    }

    [Fact]
    public async Task A_stream_is_charged_by_the_usage_that_the_caller_does_not_see()
    {
        await using var gateway = await GatewayUnderTest.StartAsync(
            options => options with { MonthlySpend = 0.001 },
            main => main with { InputPrice = 100, OutputPrice = 200, StreamUsage = true }
        );
        gateway.Upstream.Answer = (context, _, _) =>
            FakeUpstream.SendAsync(
                context,
                [
                    FakeUpstream
                        .Stream("hi")
                        .Replace(
                            "data: [DONE]",
                            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":3}}\n\ndata: [DONE]",
                            StringComparison.Ordinal
                        ),
                ]
            );

        Assert.DoesNotContain("usage", await gateway.StreamAsync(), StringComparison.Ordinal);
        using var second = await gateway.AskAsync();

        await GatewayUnderTest.ErrorAsync(429, second);
    }

    [Fact]
    public async Task A_body_that_is_too_large_and_a_route_that_is_wrong_are_told()
    {
        await using var gateway = await GatewayUnderTest.StartAsync(server: options => options with { MaxBodyBytes = 2_000 });

        using var large = await gateway.AskAsync(GatewayUnderTest.Question.Replace("42", new string('4', 3_000), StringComparison.Ordinal));
        using var text = await gateway.Server.Http.PostAsync(
            "/v1/chat/completions",
            new StringContent(GatewayUnderTest.Question, Encoding.UTF8, "text/plain")
        );

        await GatewayUnderTest.ErrorAsync(413, large);
        await GatewayUnderTest.ErrorAsync(415, text);
    }

    private static GatewayOptions WithAgents(GatewayOptions options) =>
        options with
        {
            Agents = new Dictionary<string, GatewayAgentOptions>
            {
                ["shop"] = new() { BaseModel = "model-a" },
                ["bank"] = new() { BaseModel = "model-a" },
            },
        };

    private static Task<HttpResponseMessage> AskAsync(HttpClient client, string model, params (string Name, string Value)[] headers) =>
        GatewayUnderTest.AskAsync(
            client,
            GatewayUnderTest.Question.Replace("model-a", model, StringComparison.Ordinal),
            "/v1/chat/completions",
            CancellationToken.None,
            headers
        );
}
