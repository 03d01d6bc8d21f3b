using System.Text.Json;
using AgentLightning.Client.Tests.Support;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Client.Tests;

[Collection(nameof(EmitTests))]
public sealed class ChatCaptureTests : IAsyncLifetime
{
    private Receiver _server = null!;

    public async ValueTask InitializeAsync() => _server = await Receiver.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_call_becomes_an_episode_with_everything_that_was_said()
    {
        await using var lightning = new LightningClient(Quick.Options(_server.Url));
        var client = new Model(
            (_, _) =>
                Task.FromResult(
                    new ChatResponse(new ChatMessage(ChatRole.Assistant, "hello") { MessageId = "m-9" })
                    {
                        ModelId = "m-1",
                        ConversationId = "c-1",
                        ResponseId = "r-1",
                        FinishReason = ChatFinishReason.Stop,
                        Usage = new UsageDetails
                        {
                            InputTokenCount = 3,
                            OutputTokenCount = 2,
                            TotalTokenCount = 5,
                        },
                    }
                )
        ).UseLightning(lightning);
        using var trace = new System.Diagnostics.Activity("request").SetIdFormat(System.Diagnostics.ActivityIdFormat.W3C).Start();

        var response = await client.GetResponseAsync(
            [new(ChatRole.System, "be kind"), new(ChatRole.User, "hi") { AuthorName = "bo" }],
            new ChatOptions { Instructions = "short" }
        );
        await lightning.FlushAsync();

        var episode = Assert.Single(_server.Records());
        Assert.Equal(response.GetEpisodeId(), Text(episode, "id"));
        Assert.Equal(
            ("episode", "shop", "hi", "hello", "m-1", "c-1", "succeeded", "m-9"),
            (
                Text(episode, "type"),
                Text(episode, "agent_id"),
                Text(episode, "user_input"),
                Text(episode, "assistant_output"),
                Text(episode, "model_deployment"),
                Text(episode, "session_id"),
                Text(episode, "status"),
                Text(episode, "message_id")
            )
        );
        Assert.Equal(
            ["system:be kind", "user:hi", "assistant:hello"],
            episode.GetProperty("messages").EnumerateArray().Select(message => $"{Text(message, "role")}:{Text(message, "content")}")
        );
        Assert.Equal("""{"prompt":3,"completion":2,"total":5}""", episode.GetProperty("token_usage").GetRawText());
        Assert.Equal(trace.TraceId.ToHexString(), Text(episode, "trace_id"));
        // The first 16 digits of SHA-256 of "short".
        Assert.Equal(
            ("f9b0078b5df596d2", "stop", "r-1"),
            (
                Text(episode.GetProperty("metadata"), "instructions_hash"),
                Text(episode.GetProperty("metadata"), "finish_reason"),
                Text(episode.GetProperty("metadata"), "response_id")
            )
        );
        Assert.Equal(
            ("bo", "application/x-ndjson", "gzip"),
            (Text(episode.GetProperty("messages")[1], "name"), _server.Requests.Single().ContentType, _server.Requests.Single().Encoding)
        );
    }

    [Fact]
    public async Task Tool_calls_are_kept_with_arguments_and_results_and_do_not_change_afterwards()
    {
        await using var lightning = new LightningClient(Quick.Options(_server.Url));
        var (arguments, result) = (
            new Dictionary<string, object?>
            {
                ["number"] = 42,
                ["deep"] = new List<int> { 1 },
            },
            new List<string> { "on its way" }
        );
        var client = new Model(
            (_, _) =>
                Task.FromResult(
                    new ChatResponse([
                        new(ChatRole.Assistant, [new TextContent("let me see"), new FunctionCallContent("t1", "find", arguments)]),
                        new(ChatRole.Tool, [new FunctionResultContent("t1", result)]),
                        new(
                            ChatRole.Assistant,
                            [new FunctionCallContent("t2", "fail"), new DataContent(new byte[] { 1, 2, 3 }, "image/png")]
                        ),
                        new(ChatRole.Tool, [new FunctionResultContent("t2", null) { Exception = new TimeoutException("too slow") }]),
                        new(ChatRole.Assistant, " it comes"),
                    ])
                )
        ).UseLightning(lightning);
        var history = new List<ChatMessage> { new(ChatRole.User, "where is 42?") };

        await client.GetResponseAsync(history);
        arguments.Clear();
        result.Clear();
        history.Clear();
        await lightning.FlushAsync();

        var episode = Assert.Single(_server.Records());
        Assert.Equal("let me see it comes", Text(episode, "assistant_output"));
        Assert.Equal(
            """[{"tool_name":"find","arguments":"{\"number\":42,\"deep\":[1]}","result":"[\"on its way\"]","duration_ms":0},{"tool_name":"fail","arguments":"{}","duration_ms":0,"error":"TimeoutException: too slow"}]""",
            episode.GetProperty("tool_calls").GetRawText()
        );
        var messages = episode.GetProperty("messages").EnumerateArray().ToList();
        Assert.Equal(["user", "assistant", "tool", "assistant", "tool", "assistant"], messages.Select(message => Text(message, "role")));
        Assert.Equal(("t1", "t1"), (Text(messages[1].GetProperty("tool_calls")[0], "id"), Text(messages[2], "tool_call_id")));
        Assert.Equal("""[{"type":"data","media_type":"image/png","bytes":3}]""", Text(messages[3], "content"));
    }

    [Fact]
    public async Task A_streamed_answer_is_one_episode_and_passes_through_unchanged()
    {
        await using var lightning = new LightningClient(Quick.Options(_server.Url));
        var client = new Model("") { Stream = Stream }.UseLightning(lightning);

        var updates = await client.GetStreamingResponseAsync("count").ToListAsync();
        await lightning.FlushAsync();

        Assert.Equal(["one ", "two", "", "done"], updates.Select(update => update.Text));
        var episode = Assert.Single(_server.Records());
        Assert.Equal(
            (updates[0].GetEpisodeId(), "one twodone", "succeeded"),
            (Text(episode, "id"), Text(episode, "assistant_output"), Text(episode, "status"))
        );
        Assert.Equal(
            ["user", "assistant", "tool", "assistant"],
            episode.GetProperty("messages").EnumerateArray().Select(message => Text(message, "role"))
        );
        Assert.Equal("seen", Text(episode.GetProperty("tool_calls")[0], "result"));
        Assert.Equal(7, episode.GetProperty("token_usage").GetProperty("total").GetInt32());
        Assert.InRange(episode.GetProperty("time_to_first_token_ms").GetDouble(), 0, episode.GetProperty("request_latency_ms").GetDouble());

        static async IAsyncEnumerable<ChatResponseUpdate> Stream(
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken
        )
        {
            await Task.Yield();
            yield return new ChatResponseUpdate(ChatRole.Assistant, "one ");
            yield return new ChatResponseUpdate(ChatRole.Assistant, [new TextContent("two"), new FunctionCallContent("t", "look")]);
            yield return new ChatResponseUpdate(ChatRole.Tool, [new FunctionResultContent("t", "seen")]);
            yield return new ChatResponseUpdate(
                ChatRole.Assistant,
                [new TextContent("done"), new UsageContent(new UsageDetails { TotalTokenCount = 7 })]
            )
            {
                FinishReason = ChatFinishReason.Stop,
            };
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stream_that_is_given_up_midway_is_a_cancelled_episode_with_what_had_come(bool byToken)
    {
        await using var lightning = new LightningClient(Quick.Options(_server.Url));
        using var cancellation = new CancellationTokenSource();
        var client = new Model("") { Stream = Endless }.UseLightning(lightning);

        var reading = async () =>
        {
            await foreach (var update in client.GetStreamingResponseAsync("go on", cancellationToken: cancellation.Token))
            {
                if (!byToken)
                {
                    break;
                }

                await cancellation.CancelAsync();
            }
        };
        await (byToken ? Assert.ThrowsAnyAsync<OperationCanceledException>(reading) : reading());
        await lightning.FlushAsync();

        var episode = Assert.Single(_server.Records());
        Assert.Equal(("cancelled", "part "), (Text(episode, "status"), Text(episode, "assistant_output")));

        static async IAsyncEnumerable<ChatResponseUpdate> Endless(
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken
        )
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return new ChatResponseUpdate(ChatRole.Assistant, "part ");
                await Task.Yield();
            }
        }
    }

    [Fact]
    public async Task An_error_of_the_model_reaches_the_caller_as_it_is_and_is_captured()
    {
        await using var lightning = new LightningClient(Quick.Options(_server.Url));
        var failure = new InvalidOperationException("no such model");
        var client = new Model((_, _) => Task.FromException<ChatResponse>(failure)).UseLightning(lightning);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        var patient = new Model((_, token) => Task.FromCanceled<ChatResponse>(token)).UseLightning(lightning);

        Assert.Same(failure, await Assert.ThrowsAsync<InvalidOperationException>(() => client.GetResponseAsync("hi")));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => patient.GetResponseAsync("hi", cancellationToken: cancelled.Token));
        await lightning.FlushAsync();

        var episodes = _server.Records();
        Assert.Equal(("failed", "InvalidOperationException: no such model"), (Text(episodes[0], "status"), Text(episodes[0], "error")));
        Assert.Equal("cancelled", Text(episodes[1], "status"));
        Assert.Equal("default-model", Text(episodes[0], "model_deployment"));
    }

    [Fact]
    public async Task A_reward_that_a_tool_emits_goes_to_the_episode_it_works_for_and_follows_it()
    {
        await using var lightning = new LightningClient(Quick.Options(_server.Url));
        var client = new Model(
            async (_, _) =>
            {
                await Task.Yield();
                Assert.True(LightningEmitter.EmitReward(0.25));
                return new ChatResponse(new ChatMessage(ChatRole.Assistant, "x"));
            }
        ).UseLightning(lightning);

        var response = await client.GetResponseAsync("hi");
        Assert.Null(AgentLightning.Client.Telemetry.EpisodeScope.Current);
        await lightning.FlushAsync();

        var records = _server.Records();
        Assert.Equal(["episode", "reward"], records.Select(record => Text(record, "type")));
        Assert.Equal((response.GetEpisodeId(), 0.25), (Text(records[1], "episode_id"), records[1].GetProperty("reward").GetDouble()));
        // Once, and not as a span too.
        Assert.All(_server.Requests, request => Assert.Equal("/api/lightning/capture", request.Path));
    }

    [Fact]
    public async Task Work_above_the_threshold_gets_the_penalty_and_work_below_does_not()
    {
        var options = Quick.Options(_server.Url);
        await using var lightning = new LightningClient(options);

        lightning.Track(Quick.Episode("fast") with { RequestLatencyMs = 10_000 });
        lightning.Track(Quick.Episode("slow", "slow") with { RequestLatencyMs = 10_000.5 });
        await lightning.FlushAsync();

        var reward = Assert.Single(_server.Records(), record => Text(record, "type") == "reward");
        Assert.Equal(
            ("slow", -0.1, "latency_penalty", "latency > 10000ms", "auto"),
            (
                Text(reward, "episode_id"),
                reward.GetProperty("reward").GetDouble(),
                Text(reward, "source"),
                Text(reward, "rubric"),
                Text(reward, "evaluator")
            )
        );
    }

    [Fact]
    public async Task Registered_clients_are_captured_keyed_ones_too_and_one_line_is_enough()
    {
        await using var services = new ServiceCollection()
            .AddSingleton<IChatClient>(new Model("plain"))
            .AddKeyedSingleton<IChatClient>("k", (_, _) => new Model("keyed"))
            .AddLightning(options => (options.Endpoint, options.BatchDelay, options.DataFolder) = (_server.Url, TimeSpan.Zero, ""))
            .UseLightning("shop")
            .BuildServiceProvider();

        await services.GetRequiredService<IChatClient>().GetResponseAsync("a");
        await services.GetRequiredKeyedService<IChatClient>("k").GetResponseAsync("b");
        await services.GetRequiredService<LightningClient>().FlushAsync();

        Assert.Equal(["plain", "keyed"], _server.Records().Select(record => Text(record, "assistant_output")));
        Assert.Throws<InvalidOperationException>(() => new ServiceCollection().UseLightning());
    }

    [Fact]
    public async Task Capture_that_is_off_leaves_calls_alone_and_sends_nothing()
    {
        await using var lightning = new LightningClient(new LightningClientOptions { Endpoint = _server.Url, Enabled = false });
        var client = new Model("x").UseLightning(lightning);

        var response = await client.GetResponseAsync("hi");

        Assert.Null(response.GetEpisodeId());
        Assert.False(lightning.Track(Quick.Episode("x")));
        await lightning.DisposeAsync();
        Assert.Empty(_server.Requests);
    }

    [Fact]
    public async Task Long_results_of_tools_are_cut_after_redaction_and_say_so()
    {
        var options = Quick.Options(_server.Url);
        options.MaxOutputLength = 20;
        await using var lightning = new LightningClient(options);

        // The secret lies across the place of the cut.
        lightning.Track(
            Quick.Episode("x") with
            {
                ToolCalls = [new("t", "{}", "0123456789 password=planted-0001 and more", 1, null)],
                Messages = [new("tool", new string('y', 30))],
            }
        );
        await lightning.FlushAsync();

        var episode = Assert.Single(_server.Records());
        Assert.Equal("0123456789 password=...[TRUNCATED]", Text(episode.GetProperty("tool_calls")[0], "result"));
        Assert.Equal(new string('y', 20) + "...[TRUNCATED]", Text(episode.GetProperty("messages")[0], "content"));
    }

    [Fact]
    public async Task Calls_of_embedding_generators_are_captured_only_where_asked()
    {
        var options = Quick.Options(_server.Url);
        options.CaptureEmbeddings = true;
        await using var on = new LightningClient(options);
        await using var off = new LightningClient(Quick.Options(_server.Url));

        await new Vectors().UseLightning(on).GenerateAsync(["a", "b"]);
        await new Vectors().UseLightning(off).GenerateAsync(["c"]);
        await on.FlushAsync();
        await off.FlushAsync();

        var episode = Assert.Single(_server.Records());
        Assert.Equal(("a\nb", "2 vectors of 3"), (Text(episode, "user_input"), Text(episode, "assistant_output")));
    }

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.GetString() : null;

    private sealed class Vectors : IEmbeddingGenerator<string, Embedding<float>>
    {
        public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<string> values,
            EmbeddingGenerationOptions? options = null,
            CancellationToken cancellationToken = default
        ) => Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(values.Select(_ => new Embedding<float>(new float[3]))));

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose() { }
    }
}
