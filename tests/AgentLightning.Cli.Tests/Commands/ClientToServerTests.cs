using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Client;
using AgentLightning.Testing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Cli.Tests;

/// <summary>An application with every part of the client library, against the real server in a process of its own.</summary>
[Collection(nameof(ClientUnderTest))]
public sealed class ClientToServerTests
{
    [Fact]
    public async Task Calls_spans_and_emitted_rewards_arrive_once_each()
    {
        using var folder = new TemporaryFolder();
        using var server = await ServingProcess.StartAsync(folder.Path, "lightning.db");
        using var source = new ActivitySource($"joint-{Guid.NewGuid():N}");
        string operation,
            called;
        ChatResponse response;
        await using (
            var services = new ServiceCollection()
                .AddLogging()
                .AddLightning(options => (options.Endpoint, options.AgentId, options.DataFolder) = (server.Http.BaseAddress, "shop", ""))
                .AddLightningTelemetry(content: true, source.Name)
                .BuildServiceProvider()
        )
        {
            var lightning = services.GetRequiredService<LightningClient>();
            using var chat = new Rewarding().UseLightning(services);
            // Not below what the test host may trace.
            Activity.Current = null;
            response = await chat.GetResponseAsync("Where is order 42?");
            services.GetRequiredService<AgentTracker>().UpdateReward(response.GetEpisodeId()!, 0.75, "thumbs_up");
            using (var plan = LightningEmitter.Operation("plan"))
            {
                operation = plan.TraceId!;
                plan.SetInput("question");
                LightningEmitter.EmitMessage("thinking");
                LightningEmitter.EmitReward(-0.5);
                plan.SetOutput("answer");
            }

            using (var call = source.StartActivity("chat gpt-x", ActivityKind.Client)!)
            {
                called = call.TraceId.ToHexString();
                call.SetTag("gen_ai.operation.name", "chat")
                    .SetTag("gen_ai.request.model", "gpt-x")
                    .SetTag("gen_ai.input.messages", """[{"role":"user","parts":[{"type":"text","content":"hi"}]}]""");
            }

            await lightning.FlushAsync();
            Assert.Equal((0, 0), (lightning.Statistics.Dropped, lightning.Statistics.Queued));
        }

        // The same reward once more, as the exporter of OpenTelemetry sends it when the application adds the source there too.
        await SendAsync(server, response.GetEpisodeId()!);
        var episodes = await EpisodesAsync(server, 4);

        Assert.Equal(new[] { response.GetEpisodeId()!, operation, called, OfExporter }.Order(), episodes.Order());
        Assert.Equal(
            [("emit:primary", 0.5, null, null), ("tracker", 0.5, 0.75, "0..1")],
            await RewardsAsync(server, response.GetEpisodeId()!)
        );
        Assert.Equal(-0.5, Assert.Single(await RewardsAsync(server, operation)).Value);
        Assert.Empty(await RewardsAsync(server, called));
        Assert.Empty(await RewardsAsync(server, OfExporter));
        var read = await server.GetAsync($"/api/lightning/episodes/{called}");
        Assert.Equal(("hi", "gpt-x"), (read.GetProperty("user_input").GetString(), read.GetProperty("model_deployment").GetString()));
        Assert.Equal("answer", (await server.GetAsync($"/api/lightning/episodes/{operation}")).GetProperty("assistant_output").GetString());
    }

    private const string OfExporter = "0af7651916cd43dd8448eb211c80319c";

    private static async Task SendAsync(ServingProcess server, string episode)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var body = OtlpBytes.Request(
            "app",
            "AgentLightning",
            [
                OtlpBytes.Span(
                    OfExporter,
                    $"{1:x16}",
                    null,
                    "chat",
                    now,
                    5,
                    [("gen_ai.operation.name", "chat"), ("gen_ai.request.model", "m")]
                ),
                OtlpBytes.Span(
                    OfExporter,
                    $"{2:x16}",
                    $"{1:x16}",
                    "agentlightning.annotation",
                    now,
                    1,
                    [
                        ("agentlightning.episode_id", episode),
                        ("agentlightning.reward.0.name", "primary"),
                        ("agentlightning.reward.0.value", 0.5),
                    ]
                ),
            ],
            ("agentlightning.agent_id", "shop")
        );
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
        using var response = await server.Http.PostAsync("/v1/traces", content);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    /// <summary>The ids of the agent's episodes, once so many are there: those of traces come when they are quiet.</summary>
    private static async Task<List<string>> EpisodesAsync(ServingProcess server, int count)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (true)
        {
            limit.Token.ThrowIfCancellationRequested();
            var listed = (await server.GetAsync("/api/lightning/episodes?agent_id=shop&limit=100"))
                .GetProperty("episodes")
                .EnumerateArray()
                .Select(episode => episode.GetProperty("id").GetString()!)
                .ToList();
            if (listed.Count >= count)
            {
                return listed;
            }
        }
    }

    private static async Task<List<(string Evaluator, double Value, double? Raw, string? Scale)>> RewardsAsync(
        ServingProcess server,
        string episode
    ) =>
        [
            .. (await server.GetAsync($"/api/lightning/rewards?episode_id={episode}"))
                .GetProperty("rewards")
                .EnumerateArray()
                .Select(reward =>
                    (
                        reward.GetProperty("evaluator").GetString()!,
                        reward.GetProperty("value").GetDouble(),
                        Number(reward, "raw_value"),
                        Text(reward, "scale")
                    )
                )
                .Order(),
        ];

    private static double? Number(JsonElement reward, string name) =>
        reward.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;

    private static string? Text(JsonElement reward, string name) => reward.TryGetProperty(name, out var value) ? value.GetString() : null;

    /// <summary>A model whose work is judged while it answers.</summary>
    private sealed class Rewarding : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            CancellationToken cancellationToken = default
        )
        {
            LightningEmitter.EmitReward(0.5);
            return Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, "On its way.")));
        }

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages,
            ChatOptions? options = null,
            CancellationToken cancellationToken = default
        ) => throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => serviceType.IsInstanceOfType(this) ? this : null;

        public void Dispose() { }
    }
}
