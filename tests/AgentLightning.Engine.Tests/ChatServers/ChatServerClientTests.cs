using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Engine.ChatServers;
using AgentLightning.Testing;
using Microsoft.Extensions.AI;

namespace AgentLightning.Engine.Tests;

/// <summary>The client of OpenAI-compatible servers, over HTTP.</summary>
public sealed class ChatServerClientTests : IAsyncLifetime
{
    private const string Key = "sk-0123456789abcdefSECRET";
    private FakeOpenAiServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await FakeOpenAiServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private FakeOpenAiRequest Request => Assert.Single(_server.Requests);

    [Fact]
    public async Task An_answer_has_its_text_its_model_its_usage_and_its_reason_to_end()
    {
        using var client = Client();

        var answer = await client.GetResponseAsync("Hello");

        Assert.Equal("Hello world, I am a fake server", answer.Text);
        Assert.Equal("test-model", answer.ModelId);
        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
        Assert.Equal((7, 4, 11), (answer.Usage!.InputTokenCount, answer.Usage.OutputTokenCount, answer.Usage.TotalTokenCount));
        Assert.Equal("fake-1", answer.ResponseId);
        Assert.Equal($"Bearer {Key}", Request.Authorization);
        Assert.Equal("/v1/chat/completions", Request.Path);
    }

    [Fact]
    public async Task A_streamed_answer_comes_piece_by_piece_as_the_server_makes_it()
    {
        using var client = Client();
        var gate = new SemaphoreSlim(0);
        _server.Answer = (_, _) =>
            new FakeOpenAiAnswer { Before = async (number, _) => await (number > 1 ? gate.WaitAsync() : Task.CompletedTask) };

        var pieces = new List<string>();
        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in client.GetStreamingResponseAsync("Hello"))
        {
            updates.Add(update);
            if (update.Text.Length > 0)
            {
                pieces.Add(update.Text);
            }

            // The next event is only sent once this one has been read.
            gate.Release();
        }

        Assert.Equal(["Hello world", ", I am", " a fake", " server"], pieces);
        var whole = updates.ToChatResponse();
        Assert.Equal(ChatFinishReason.Stop, whole.FinishReason);
        Assert.Equal((7, 4), (whole.Usage!.InputTokenCount, whole.Usage.OutputTokenCount));
        Assert.True(Request.Body.GetProperty("stream_options").GetProperty("include_usage").GetBoolean());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Calls_of_tools_come_whole_and_their_results_go_back(bool stream)
    {
        using var client = Client();
        _server.Answer = (_, number) =>
            number > 1
                ? FakeOpenAiAnswer.Of("It is sent.")
                : new FakeOpenAiAnswer
                {
                    ToolCalls = [("c1", "find_order", "{\"number\":\"A-17\",\"deep\":true}"), ("c2", "find_order", "{\"number\":\"B-2\"}")],
                };
        var options = new ChatOptions
        {
            Tools = [AIFunctionFactory.Create((string number) => $"order {number}", "find_order", "State of an order")],
            ToolMode = ChatToolMode.RequireSpecific("find_order"),
        };
        List<ChatMessage> conversation = [new(ChatRole.System, "Be brief."), new(ChatRole.User, "Where are my orders?")];

        var asked = stream
            ? await client.GetStreamingResponseAsync(conversation, options).ToChatResponseAsync()
            : await client.GetResponseAsync(conversation, options);
        var calls = asked.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().ToList();
        conversation.AddRange(asked.Messages);
        conversation.Add(
            new ChatMessage(
                ChatRole.Tool,
                [new FunctionResultContent("c1", "sent"), new FunctionResultContent("c2", new { state = "open" })]
            )
        );
        var answer = await client.GetResponseAsync(conversation);

        Assert.Equal(ChatFinishReason.ToolCalls, asked.FinishReason);
        Assert.Equal(
            ["c1 find_order A-17", "c2 find_order B-2"],
            calls.Select(call => $"{call.CallId} {call.Name} {call.Arguments!["number"]}")
        );
        Assert.Equal("It is sent.", answer.Text);
        var first = _server.Requests.First().Body;
        Assert.Equal("State of an order", first.GetProperty("tools")[0].GetProperty("function").GetProperty("description").GetString());
        Assert.Equal("find_order", first.GetProperty("tool_choice").GetProperty("function").GetProperty("name").GetString());
        var messages = _server.Requests.Last().Body.GetProperty("messages").EnumerateArray().ToList();
        Assert.Equal(["system", "user", "assistant", "tool", "tool"], messages.Select(message => message.GetProperty("role").GetString()));
        Assert.Equal(
            "A-17",
            JsonDocument
                .Parse(messages[2].GetProperty("tool_calls")[0].GetProperty("function").GetProperty("arguments").GetString()!)
                .RootElement.GetProperty("number")
                .GetString()
        );
        Assert.Equal("c2", messages[4].GetProperty("tool_call_id").GetString());
        Assert.Equal("{\"state\":\"open\"}", messages[4].GetProperty("content").GetString());
    }

    [Fact]
    public async Task Options_go_over_the_wire_and_the_limit_of_tokens_has_the_name_that_every_server_knows()
    {
        using var client = Client();

        await client.GetResponseAsync(
            "Hello",
            new ChatOptions
            {
                ModelId = "other",
                Temperature = 0.25f,
                TopP = 0.5f,
                TopK = 20,
                FrequencyPenalty = 1,
                PresencePenalty = -1,
                MaxOutputTokens = 9,
                Seed = 3,
                StopSequences = ["END"],
                Instructions = "Be brief.",
                Reasoning = new ReasoningOptions { Effort = ReasoningEffort.Low },
                ResponseFormat = ChatResponseFormat.ForJsonSchema(
                    JsonDocument.Parse("""{"type":"object","properties":{"a":{"type":"string"}}}""").RootElement,
                    "shape"
                ),
                ConversationId = "mine",
            }
        );

        var body = Request.Body;
        Assert.Equal(
            """other 0.25 0.5 20 1 -1 9 3 ["END"] low""",
            string.Join(
                ' ',
                new[]
                {
                    "model",
                    "temperature",
                    "top_p",
                    "top_k",
                    "frequency_penalty",
                    "presence_penalty",
                    "max_tokens",
                    "seed",
                    "stop",
                    "reasoning_effort",
                }.Select(name => body.GetProperty(name).ToString())
            )
        );
        Assert.False(body.TryGetProperty("max_completion_tokens", out _));
        Assert.Equal("Be brief.", body.GetProperty("messages")[0].GetProperty("content").GetString());
        Assert.Equal("shape", body.GetProperty("response_format").GetProperty("json_schema").GetProperty("name").GetString());
        Assert.DoesNotContain("mine", body.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Images_go_with_the_text()
    {
        using var client = Client();

        await client.GetResponseAsync([
            new ChatMessage(
                ChatRole.User,
                [
                    new TextContent("What is this?"),
                    new DataContent(new byte[] { 1, 2, 3 }, "image/png"),
                    new UriContent("https://pictures.example/a.png", "image/png"),
                ]
            ),
        ]);

        var parts = Request.Body.GetProperty("messages")[0].GetProperty("content").EnumerateArray().ToList();
        Assert.Equal(["text", "image_url", "image_url"], parts.Select(part => part.GetProperty("type").GetString()));
        Assert.Equal("data:image/png;base64,AQID", parts[1].GetProperty("image_url").GetProperty("url").GetString());
    }

    [Theory]
    [InlineData(401, ErrorKind.Forbidden, "refuses the API key sk-0...CRET (401)")]
    [InlineData(404, ErrorKind.NotFound, "was not found (404)")]
    [InlineData(429, ErrorKind.Unavailable, "quota is used up (429)")]
    [InlineData(400, ErrorKind.Invalid, "refused the request (400)")]
    [InlineData(503, ErrorKind.Unavailable, "failed (503)")]
    public async Task An_error_of_the_server_says_which_model_where_and_what_without_the_key(int status, ErrorKind kind, string named)
    {
        using var client = Client();
        _server.Answer = (_, _) => FakeOpenAiAnswer.Error(status, $"the key {Key} and\nso on");

        var whole = await Assert.ThrowsAsync<LightningException>(() => client.GetResponseAsync("Hello"));
        var streamed = await Assert.ThrowsAsync<LightningException>(() => client.GetStreamingResponseAsync("Hello").ToChatResponseAsync());

        Assert.All([whole, streamed], error =>
        {
            Assert.Equal(kind, error.Kind);
            Assert.Contains($"test-model at {_server.BaseUrl}", error.Message, StringComparison.Ordinal);
            Assert.Contains(named, error.Message, StringComparison.Ordinal);
            Assert.Contains("It says: the key sk-0...CRET and so on", error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(Key, error.Message, StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData("<html>a page</html>")]
    [InlineData("{}")]
    [InlineData("")]
    [InlineData("{\"choices\":[]}")]
    public async Task An_answer_that_is_none_is_an_error(string body)
    {
        using var client = Client();
        _server.Answer = (_, _) => new FakeOpenAiAnswer { Body = body };

        var error = await Assert.ThrowsAsync<LightningException>(() => client.GetResponseAsync("Hello"));

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        Assert.Contains("not a chat completion", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_that_ends_too_early_is_an_error_after_what_came()
    {
        using var client = Client();
        _server.Answer = (_, _) => new FakeOpenAiAnswer { EndAfter = 3 };
        var text = "";

        var error = await Assert.ThrowsAsync<LightningException>(async () =>
        {
            await foreach (var update in client.GetStreamingResponseAsync("Hello"))
            {
                text += update.Text;
            }
        });

        Assert.Equal("Hello world, I am", text);
        Assert.Contains("before it was finished", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Passing_trouble_is_tried_again()
    {
        using var client = Client(retries: 2);
        _server.Answer = (_, number) =>
            number < 3 ? FakeOpenAiAnswer.Error(number == 1 ? 503 : 429, "busy", ("retry-after-ms", "1")) : FakeOpenAiAnswer.Of("There.");

        Assert.Equal("There.", (await client.GetResponseAsync("Hello")).Text);
        Assert.Equal(3, _server.Requests.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_server_that_takes_too_long_is_left(bool stream)
    {
        var time = new FakeTimeProvider();
        var arrived = new TaskCompletionSource();
        using var client = Client(time: time);
        _server.Answer = (_, _) =>
            new FakeOpenAiAnswer
            {
                Before = async (number, context) =>
                {
                    if (!stream || number == 2)
                    {
                        arrived.SetResult();
                        await LoopbackServer.HangAsync(context);
                    }
                },
            };

        var read = new TaskCompletionSource();
        var answer = stream ? ReadAsync() : client.GetResponseAsync("Hello");
        await arrived.Task;
        if (stream)
        {
            // The limit starts again with every piece.
            await read.Task;
        }

        time.Advance(TimeSpan.FromSeconds(101));
        var error = await Assert.ThrowsAsync<LightningException>(() => answer);

        Assert.Equal(ErrorKind.Unavailable, error.Kind);
        Assert.Contains("did not answer within 100 s", error.Message, StringComparison.Ordinal);

        async Task<ChatResponse> ReadAsync()
        {
            var updates = new List<ChatResponseUpdate>();
            await foreach (var update in client.GetStreamingResponseAsync("Hello"))
            {
                updates.Add(update);
                if (update.Text.Length > 0)
                {
                    read.TrySetResult();
                }
            }

            return updates.ToChatResponse();
        }
    }

    [Fact]
    public async Task Cancelling_is_no_error_of_the_server()
    {
        using var client = Client();
        using var cancel = new CancellationTokenSource();
        var (arrived, left) = (new TaskCompletionSource(), new TaskCompletionSource());
        _server.Answer = (_, _) =>
            new FakeOpenAiAnswer
            {
                Before = async (_, context) =>
                {
                    arrived.SetResult();
                    await LoopbackServer.HangAsync(context);
                    left.SetResult();
                },
            };
        var answer = client.GetResponseAsync("Hello", cancellationToken: cancel.Token);
        await arrived.Task;

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
        await left.Task;
    }

    [Fact]
    public async Task A_server_that_nobody_runs_is_named()
    {
        using var client = new ChatServerClient(
            new ChatServerOptions
            {
                BaseUrl = new Uri("http://127.0.0.1:1/v1"),
                Model = "m",
                Retries = 0,
            }
        );

        var error = await Assert.ThrowsAsync<LightningException>(() => client.GetResponseAsync("Hello"));

        Assert.Contains("m at http://127.0.0.1:1/v1 cannot be reached", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_key_none_is_sent_and_a_redirect_is_not_followed()
    {
        using var client = new ChatServerClient(new ChatServerOptions { BaseUrl = _server.BaseUrl, Model = "m" });
        await client.GetResponseAsync("Hello");
        _server.Answer = (_, _) =>
            new FakeOpenAiAnswer
            {
                Status = 307,
                Headers = new Dictionary<string, string> { ["Location"] = "http://127.0.0.1:1/elsewhere" },
            };

        var error = await Assert.ThrowsAsync<LightningException>(() => client.GetResponseAsync("Hello"));

        Assert.All(_server.Requests, request => Assert.Null(request.Authorization));
        Assert.Contains("redirects elsewhere (307)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_said_over_the_protocol_is_refused_before_anything_is_sent()
    {
        using var client = Client();

        Assert.Contains(
            "DataContent",
            (
                await Assert.ThrowsAsync<LightningException>(() =>
                    client.GetResponseAsync([new ChatMessage(ChatRole.User, [new DataContent(new byte[] { 1 }, "video/mp4")])])
                )
            ).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "HostedWebSearchTool",
            (
                await Assert.ThrowsAsync<LightningException>(() =>
                    client.GetResponseAsync("Hello", new ChatOptions { Tools = [new HostedWebSearchTool()] })
                )
            ).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "role 'judge'",
            (
                await Assert.ThrowsAsync<LightningException>(() => client.GetResponseAsync([new ChatMessage(new ChatRole("judge"), "No.")]))
            ).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "no messages",
            (await Assert.ThrowsAsync<LightningException>(() => client.GetResponseAsync([]))).Message,
            StringComparison.Ordinal
        );
        Assert.Empty(_server.Requests);
    }

    [Fact]
    public void Wrong_options_are_named_all_at_once_and_the_key_is_never_shown()
    {
        var options = new ChatServerOptions
        {
            BaseUrl = new Uri("ftp://x"),
            Model = "",
            ApiKey = "a secret\nkey",
            Retries = 11,
        };

        var message = Assert.Throws<LightningException>(() => new ChatServerClient(options)).Message;

        Assert.All(["http or https", "model must be named", "visible ASCII", "0 to 10"], part =>
            Assert.Contains(part, message, StringComparison.Ordinal)
        );
        Assert.DoesNotContain("secret", message + options, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("", null)]
    [InlineData("short", "***")]
    [InlineData("elevencharz", "***")]
    [InlineData("test-key-12345", "test...2345")]
    public void A_key_is_shown_by_its_ends_or_not_at_all(string? key, string? shown) => Assert.Equal(shown, KeyMask.Of(key));

    private ChatServerClient Client(int retries = 0, TimeProvider? time = null) =>
        new(
            new ChatServerOptions
            {
                BaseUrl = _server.BaseUrl,
                Model = "test-model",
                ApiKey = Key,
                Retries = retries,
            },
            time
        );
}
