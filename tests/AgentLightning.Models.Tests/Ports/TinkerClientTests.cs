using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentLightning.Models.Generation;
using AgentLightning.Models.Objectives.Sequences;
using AgentLightning.Models.Ports;
using AgentLightning.Models.Ports.Tinker;
using AgentLightning.Models.Tensors;
using AgentLightning.Testing;
using Microsoft.AspNetCore.Http;

namespace AgentLightning.Models.Tests;

/// <summary>The client against a server that is not ours: it says what other servers of this API say, and no more.</summary>
public sealed class TinkerClientTests : IAsyncLifetime
{
    private const string Key = "tml-a-key-that-is-never-shown";
    private static readonly TokenSequence s_sequence = new()
    {
        Tokens = [1, 2, 3],
        Drawn = [2],
        Old = [-1],
        Advantages = [1],
    };
    private readonly ConcurrentQueue<(string Path, JsonElement Body)> _seen = new();
    private readonly ConcurrentDictionary<string, string> _results = new();
    private LoopbackServer _server = null!;

    /// <summary>Answers before the usual ones: a status and a body, or null for the usual.</summary>
    private Func<string, JsonElement, (int Status, string Body)?> _first = (_, _) => null;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private TinkerOptions Options =>
        new()
        {
            Url = _server.Url,
            ApiKey = Key,
            Retries = 1,
        };

    public async ValueTask InitializeAsync() => _server = await LoopbackServer.StartAsync(AnswerAsync);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_session_and_a_model_are_made_in_the_shape_of_the_wire_with_the_key_in_its_header()
    {
        await using var port = await CreateAsync();

        Assert.Equal(
            ["get_server_capabilities", "create_session", "create_model", "retrieve_future"],
            _seen.Select(request => request.Path)
        );
        Assert.Equal("""{"tags":[],"sdk_version":"agent-lightning-dotnet","type":"create_session"}""", Body("create_session"));
        Assert.Equal(
            """{"session_id":"s1","model_seq_id":0,"base_model":"some/model","lora_config":{"rank":32,"train_unembed":true,"train_mlp":true,"train_attn":true},"type":"create_model"}""",
            Body("create_model")
        );
        Assert.Equal(
            "some/model LoraConfig { Rank = 32, Seed = , TrainUnembed = True, TrainMlp = True, TrainAttn = True, Alpha =  }",
            port.ToString()
        );
        Assert.DoesNotContain(Key, Options.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_update_is_sent_behind_its_gradient_before_the_result_of_either_is_asked_for()
    {
        await using var port = await CreateAsync();
        _seen.Clear();

        var passing = port.ForwardBackwardAsync([s_sequence], new GroupPolicyLoss(), 1, new MetricSums(), Token);
        var stepping = port.StepAsync(new AdamStep(0.5f, new AdamW(WeightDecay: 0), 1), Token);
        await Task.WhenAll(passing, stepping);

        var numbered = _seen.Where(request => request.Path != "retrieve_future").ToList();
        Assert.Equal(
            [("forward_backward", 0), ("optim_step", 1)],
            numbered.Select(request => (request.Path, request.Body.GetProperty("seq_id").GetInt32()))
        );
        Assert.Equal(
            """{"learning_rate":0.5,"beta1":0.9,"beta2":0.999,"eps":1E-08,"weight_decay":0,"grad_clip_norm":1}""",
            numbered[1].Body.GetProperty("adam_params").GetRawText()
        );
        // −min(r, clip r) with r = e^(−0.5 + 1).
        Assert.Equal(-1.2, (await passing).Loss, 1e-6);
        Assert.Equal(3, await stepping);
    }

    [Fact]
    public async Task A_result_is_asked_for_until_it_is_there()
    {
        await using var port = await CreateAsync();
        var asked = 0;
        _first = (path, _) =>
            path != "retrieve_future"
                ? null
                : ++asked switch
                {
                    1 => (408, """{"type":"try_again","queue_state":"paused_capacity"}"""),
                    2 => (200, """{"type":"try_again","request_id":"x"}"""),
                    _ => null,
                };

        Assert.Equal(3, await port.StepAsync(new AdamStep(1, new AdamW()), Token));
        Assert.Equal(3, asked);
    }

    [Fact]
    public async Task A_request_whose_promise_is_gone_is_sent_again_with_its_number()
    {
        await using var port = await CreateAsync();
        _seen.Clear();
        var gone = false;
        _first = (path, _) => path == "retrieve_future" && !gone && (gone = true) ? (410, """{"detail":"expired"}""") : null;

        await port.StepAsync(new AdamStep(1, new AdamW()), Token);

        Assert.Equal(
            [0, 0],
            _seen.Where(request => request.Path == "optim_step").Select(request => request.Body.GetProperty("seq_id").GetInt32())
        );
    }

    [Fact]
    public async Task A_server_that_is_overloaded_for_a_moment_is_asked_again()
    {
        await using var port = await CreateAsync();
        var refused = false;
        _first = (path, _) => path == "optim_step" && !refused && (refused = true) ? (503, "") : null;

        Assert.Equal(3, await port.StepAsync(new AdamStep(1, new AdamW()), Token));
    }

    [Theory]
    [InlineData("optim_step", 401, """{"detail":"no"}""", "refuses the key")]
    [InlineData("retrieve_future", 402, """{"message":"no credit left"}""", "payment before optim_step (402). no credit left")]
    [InlineData("retrieve_future", 400, """{"detail":"bad gradient"}""", "failed at optim_step (400). bad gradient")]
    [InlineData("retrieve_future", 200, """{"error":"out of memory","category":"server"}""", "out of memory")]
    [InlineData("retrieve_future", 404, "<html>", "failed at optim_step (404).")]
    [InlineData("retrieve_future", 200, "<html>", "not JSON")]
    [InlineData("optim_step", 200, "{}", "not what it should be")]
    public async Task A_failure_says_what_the_server_said_and_nothing_of_the_key(string at, int status, string body, string expected)
    {
        await using var port = await CreateAsync();
        _first = (path, _) => path == at ? (status, body) : null;

        var error = await Assert.ThrowsAsync<TinkerException>(() => port.StepAsync(new AdamStep(1, new AdamW()), Token));

        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Key, error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Samples_are_drawn_from_weights_that_are_kept_once_after_each_update()
    {
        await using var port = await CreateAsync();
        _seen.Clear();
        SamplingRequest[] requests =
        [
            new(
                [1, 2],
                1,
                new GenerationOptions
                {
                    MaxTokens = 5,
                    Seed = (1L << 40) + 7,
                    StopIds = [9],
                    TopK = 3,
                }
            ),
            new([3], 1, new GenerationOptions { MaxTokens = 5 }),
        ];

        var drawn = await port.SampleAsync(requests, Token);
        await port.SampleAsync(requests, Token);
        await port.StepAsync(new AdamStep(1, new AdamW()), Token);
        await port.SampleAsync(requests, Token);

        Assert.Equal([7, 8], drawn[0][0].Tokens);
        Assert.Equal(FinishReason.Stop, drawn[0][0].Reason);
        Assert.Equal(2, _seen.Count(request => request.Path == "save_weights_for_sampler"));
        var first = _seen.First(request => request.Path == "asample" && request.Body.GetProperty("seq_id").GetInt32() == 0).Body;
        // A server that does not say otherwise takes seeds of 31 bits.
        Assert.Equal(
            """{"max_tokens":5,"seed":7,"stop":[9],"temperature":1,"top_k":3,"top_p":1}""",
            first.GetProperty("sampling_params").GetRawText()
        );
        Assert.Equal("k1", first.GetProperty("sampling_session_id").GetString());
    }

    [Fact]
    public async Task An_update_of_many_tokens_goes_in_several_requests_and_is_told_as_one()
    {
        await using var port = await TinkerModelPort.CreateAsync(Options with { TokensPerRequest = 7 }, null, TimeProvider.System, Token);
        var metrics = new MetricSums();

        var pass = await port.ForwardBackwardAsync([.. Enumerable.Repeat(s_sequence, 5)], new GroupPolicyLoss(), 1, metrics, Token);

        Assert.Equal(
            [2, 2, 1],
            _seen
                .Where(request => request.Path == "forward_backward")
                .Select(request => request.Body.GetProperty("forward_backward_input").GetProperty("data").GetArrayLength())
        );
        Assert.Equal(5, pass.LogProbabilities.Count);
        Assert.Equal(-1.2, pass.Loss, 1e-6);
        Assert.Equal(1, metrics.Values["clip_ratio/high_mean"]);
    }

    [Theory]
    [InlineData("ftp://127.0.0.1/", null, "http://127.0.0.1:4748")]
    [InlineData("http://127.0.0.1:1/", "a b", "without blanks")]
    public async Task Addresses_and_keys_that_cannot_be_are_refused(string url, string? key, string expected)
    {
        var error = await Assert.ThrowsAsync<ArgumentException>(() =>
            TinkerModelPort.CreateAsync(new TinkerOptions { Url = new Uri(url), ApiKey = key }, null, TimeProvider.System, Token)
        );

        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_that_the_server_does_not_have_is_refused_with_those_that_it_has()
    {
        var error = await Assert.ThrowsAsync<ArgumentException>(() =>
            TinkerModelPort.CreateAsync(Options with { BaseModel = "other" }, null, TimeProvider.System, Token)
        );

        Assert.Contains("no model 'other'. It has: some/model.", error.Message, StringComparison.Ordinal);
    }

    private Task<TinkerModelPort> CreateAsync() => TinkerModelPort.CreateAsync(Options, null, TimeProvider.System, Token);

    private string Body(string path) => _seen.Single(request => request.Path == path).Body.GetRawText();

    private async Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!["/api/v1/".Length..];
        var body = context.Request.ContentLength > 0 ? (await JsonDocument.ParseAsync(context.Request.Body)).RootElement : default;
        _seen.Enqueue((path, body));
        var (status, answer) =
            context.Request.Headers["X-API-Key"] != Key ? (401, """{"detail":"no key"}""") : _first(path, body) ?? (200, Usual(path, body));
        context.Response.StatusCode = status;
        await context.Response.WriteAsync(answer);
    }

    private string Usual(string path, JsonElement body) =>
        path switch
        {
            "get_server_capabilities" => """{"supported_models":[{"model_name":"some/model"}]}""",
            "create_session" => """{"type":"create_session","session_id":"s1","info_message":null}""",
            "session_heartbeat" => """{"type":"session_heartbeat"}""",
            "create_model" => Promised("""{"model_id":"m1","type":"create_model"}"""),
            "forward_backward" => Promised(
                new JsonObject
                {
                    ["loss_fn_output_type"] = "ArrayRecord",
                    ["metrics"] = new JsonObject { ["loss:sum"] = 1 },
                    ["loss_fn_outputs"] = new JsonArray([
                        .. body.GetProperty("forward_backward_input")
                            .GetProperty("data")
                            .EnumerateArray()
                            .Select(_ => JsonNode.Parse("""{"logprobs":{"data":[-9,-0.5],"dtype":"float32","shape":[2]}}""")),
                    ]),
                }.ToJsonString()
            ),
            "optim_step" => Promised("""{"metrics":{"skyrl.ai/grad_norm":3}}"""),
            "save_weights_for_sampler" => Promised("""{"path":null,"sampling_session_id":"k1","type":"save_weights_for_sampler"}"""),
            "asample" => Promised(
                """{"type":"sample","sequences":[{"stop_reason":"stop","tokens":[7,8],"logprobs":[-0.25,-0.5]}],"prompt_logprobs":null}"""
            ),
            "unload_model" => Promised("""{"model_id":"m1","type":"unload_model"}"""),
            "retrieve_future" => _results[body.GetProperty("request_id").GetString()!],
            _ => throw new InvalidOperationException(path),
        };

    private string Promised(string result)
    {
        var id = $"r{_results.Count}";
        _results[id] = result;
        return $$"""{"future_id":"{{id}}","status":"pending","request_id":"{{id}}"}""";
    }
}
