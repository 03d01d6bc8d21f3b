using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Deployments;
using AgentLightning.Server.Gateway;
using AgentLightning.Storage;
using AgentLightning.Triage;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server.Tests.Gateway;

/// <summary>Who answers for an agent changes with its release, and the caller changes nothing.</summary>
public sealed class GatewayAgentTests
{
    [Fact]
    public async Task A_release_changes_the_answers_of_an_agent_and_rollback_changes_them_back()
    {
        await using var gateway = await GatewayUnderTest.StartAsync(WithShop, main =>
            main with
            {
                Models = ["model-a", "model-b", "model-c"],
            }
        );

        using var before = await AskAsync(gateway, "a");
        await ReleaseAsync(gateway, "model-b");
        using var first = await AskAsync(gateway, "a");
        var last = await ReleaseAsync(gateway, "model-c");
        using var second = await AskAsync(gateway, "a");
        await gateway.Server.PostAsync("/api/lightning/deployments/rollback", new { agent_id = "shop", reason = "worse" });
        using var back = await AskAsync(gateway, "a");

        Assert.Equal(
            ["model-a", "model-b", "model-c", "model-b"],
            gateway.Upstream.Calls.Select(call => call.Json.GetProperty("model").GetString())
        );
        Assert.Equal(("base", last.Id), (Header(before, "x-lightning-release"), Header(second, "x-lightning-release")));
        Assert.NotEqual(Header(first, "x-lightning-release"), Header(back, "x-lightning-release"));
        Assert.Equal(last.Id, (await gateway.EpisodeAsync(second)).GetProperty("deployment_id").GetString());
    }

    [Fact]
    public async Task A_release_of_a_policy_of_texts_answers_with_its_label()
    {
        await using var gateway = await GatewayUnderTest.StartAsync(WithShop);
        var artifact = await gateway
            .Server.App.Services.GetRequiredService<IArtifactStore>()
            .PutAsync(new LabelNamePolicy(["greeting", "complaint"]).WriteAsync, CancellationToken.None);
        await ReleaseAsync(gateway, "labels", artifact);

        using var plain = await gateway.AskAsync("""{"model":"agent:shop","messages":[{"role":"user","content":"This is a complaint"}]}""");
        using var streaming = await gateway.AskAsync(
            """{"model":"agent:shop","stream":true,"messages":[{"role":"user","content":"A greeting to you"}]}"""
        );

        Assert.Equal("complaint", Label(await plain.Content.ReadAsStringAsync()));
        Assert.Contains("greeting", await streaming.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal("greeting", (await gateway.EpisodeAsync(streaming)).GetProperty("assistant_output").GetString());
        Assert.Empty(gateway.Upstream.Calls);
    }

    [Fact]
    public async Task A_tuned_model_of_this_process_answers_plain_and_streaming_and_its_failure_is_told()
    {
        var clients = new Clients();
        await using var gateway = await GatewayUnderTest.StartAsync(WithShop, configure: services =>
            services.AddSingleton<IReleaseChatClients>(clients)
        );
        await ReleaseAsync(gateway, "tuned", "sha256:" + new string('0', 64));

        using var plain = await AskAsync(gateway, "a");
        var json = JsonSerializer.Deserialize<JsonElement>(await plain.Content.ReadAsStringAsync());
        Assert.Equal("Hello from tuned", json.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        var episode = await gateway.EpisodeAsync(plain);
        Assert.Equal(
            ("Hello from tuned", json.GetProperty("id").GetString(), 7),
            (
                episode.GetProperty("assistant_output").GetString(),
                episode.GetProperty("message_id").GetString(),
                episode.GetProperty("token_usage").GetProperty("total").GetInt32()
            )
        );

        using var streaming = await AskAsync(gateway, "a", stream: true);
        var text = await streaming.Content.ReadAsStringAsync();
        Assert.Contains("Hello ", text, StringComparison.Ordinal);
        Assert.EndsWith("data: [DONE]\n\n", text, StringComparison.Ordinal);
        var streamed = await gateway.EpisodeAsync(streaming);
        Assert.Equal("Hello from tuned", streamed.GetProperty("assistant_output").GetString());
        Assert.Empty(gateway.Upstream.Calls);

        clients.Fails = true;
        using var failed = await AskAsync(gateway, "a");
        await GatewayUnderTest.ErrorAsync(503, failed);
        clients.Fails = false;
        using var other = await gateway.AskAsync("""{"model":"agent:shop","input":"x"}""", "/v1/embeddings");
        await GatewayUnderTest.ErrorAsync(400, other);
    }

    private static Task<Deployment> ReleaseAsync(GatewayUnderTest gateway, string model, string? artifact = null) =>
        gateway
            .Server.App.Services.GetRequiredService<PromoteBase>()
            .ExecuteAsync(Scope.Owner("test"), new PromoteBaseRequest("shop", model, artifact), CancellationToken.None);

    private static string Label(string answer) =>
        JsonSerializer
            .Deserialize<JsonElement>(answer)
            .GetProperty("choices")[0]
            .GetProperty("message")
            .GetProperty("content")
            .GetString()!;

    private static Task<HttpResponseMessage> AskAsync(GatewayUnderTest gateway, string session, bool stream = false) =>
        gateway.AskAsync(
            $$"""{"model":"agent:shop","stream":{{(stream ? "true" : "false")}},"messages":[{"role":"user","content":"Hi"}]}""",
            $"/v1/s/{session}/chat/completions"
        );

    private static string Header(HttpResponseMessage response, string name) => response.Headers.GetValues(name).Single();

    private static GatewayOptions WithShop(GatewayOptions options) =>
        options with
        {
            Agents = new Dictionary<string, GatewayAgentOptions> { ["shop"] = new() { BaseModel = "model-a" } },
        };

    private sealed class Clients : IReleaseChatClients
    {
        public bool Fails { get; set; }

        public ValueTask<IChatClient> OpenAsync(string tunedModelName, string artifact, CancellationToken cancellationToken) =>
            Fails
                ? throw new AgentLightning.Common.LightningException(AgentLightning.Common.ErrorKind.Unavailable, "The model is away.")
                : ValueTask.FromResult<IChatClient>(new Answering(tunedModelName));
    }

    /// <summary>A model that says the same to everybody, in two pieces.</summary>
    private sealed class Answering(string model) : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            CancellationToken cancellationToken = default
        ) =>
            Task.FromResult(
                new ChatResponse(new ChatMessage(ChatRole.Assistant, $"Hello from {model}"))
                {
                    FinishReason = ChatFinishReason.Stop,
                    Usage = new UsageDetails
                    {
                        InputTokenCount = 4,
                        OutputTokenCount = 3,
                        TotalTokenCount = 7,
                    },
                }
            );

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default
        )
        {
            yield return new ChatResponseUpdate(ChatRole.Assistant, "Hello ");
            await Task.Yield();
            yield return new ChatResponseUpdate(ChatRole.Assistant, $"from {model}") { FinishReason = ChatFinishReason.Stop };
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose() { }
    }
}
