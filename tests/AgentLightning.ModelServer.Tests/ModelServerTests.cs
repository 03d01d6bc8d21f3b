using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AgentLightning.Common;
using AgentLightning.Models.Adapters;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Generation;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Objectives.Sequences;
using AgentLightning.Models.Ports;
using AgentLightning.Models.Ports.Tinker;
using AgentLightning.Models.Tensors;
using AgentLightning.ModelServer;
using AgentLightning.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;

namespace AgentLightning.ModelServer.Tests;

/// <summary>A model in training over HTTP: the same loop, the same result, and nothing that a client sends breaks the server.</summary>
public sealed class ModelServerTests : IAsyncLifetime
{
    private const int Seed = 1;
    private readonly TemporaryFolder _folder = new();
    private readonly Compute _compute = new(2);
    private readonly HttpClient _http = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Begin => _folder.File("begin");

    public async ValueTask InitializeAsync()
    {
        using var model = Transformer.Create(ReverseDigits.Config, Seed);
        await HuggingFaceFolder.SaveAsync(model, Begin);
    }

    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        _compute.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_random_model_learns_to_reverse_digits_over_http()
    {
        await using var app = await StartAsync();
        await using var port = await ConnectAsync(app);

        var result = await TrainAsync(port, ReverseDigitsOptions.FromNothing(ReinforcementMethod.Grpo, Seed), null);

        Assert.InRange(result.Accuracy!.Value, 0.99, 1);
    }

    [Theory]
    [InlineData(ReinforcementMethod.Grpo)]
    [InlineData(ReinforcementMethod.DrGrpo)]
    [InlineData(ReinforcementMethod.Dapo)]
    [InlineData(ReinforcementMethod.Bnpo)]
    [InlineData(ReinforcementMethod.Cispo)]
    [InlineData(ReinforcementMethod.ReinforcePlusPlus)]
    public async Task A_run_over_http_ends_with_the_weights_and_the_journal_of_the_same_run_in_process(ReinforcementMethod method)
    {
        var options = ReverseDigitsOptions.FromNothing(method, Seed) with
        {
            Steps = 5,
            TasksPerStep = 8,
            Attempts = 8,
            Epochs = 2,
            Updates = 2,
            KeepBest = false,
        };
        var (near, far) = (new RunFolder(_folder.File("near")), new RunFolder(_folder.File("far")));
        using var model = Transformer.Create(ReverseDigits.Config, Seed);
        model.Train(true);
        var (tasks, heldOut) = ReverseDigits.Tasks(Seed, 40);
        await ReinforcementLoop.TrainAsync(
            new LanguagePolicy(model, _compute),
            tasks,
            heldOut,
            new ReverseDigits(),
            options,
            near,
            false,
            TimeProvider.System,
            null,
            null,
            Token
        );
        await using var app = await StartAsync();
        await using var port = await ConnectAsync(app);

        await TrainAsync(port, options, far);
        await port.ExportAsync(_folder.File("learned"), Token);

        using var learned = HuggingFaceFolder.Load(_folder.File("learned"), _compute);
        using var begin = Transformer.Create(ReverseDigits.Config, Seed);
        var (expected, moved) = (Weights(model.Parameters), Weights(begin.Parameters));
        Assert.All(expected.Zip(Weights(learned.Parameters)), pair => Assert.Equal(pair.First, pair.Second, 2e-4f));
        // The run goes much further than that.
        Assert.True(expected.Zip(moved).Max(pair => Math.Abs(pair.First - pair.Second)) > 5e-3);
        var lines = near.ReadJournal<ReinforcementEvent>().Zip(far.ReadJournal<ReinforcementEvent>()).ToList();
        Assert.Equal(7, lines.Count);
        foreach (var (own, told) in lines)
        {
            string[] same =
            [
                .. own.Metrics.Keys.Where(key =>
                    !key.StartsWith("timing_s", StringComparison.Ordinal)
                    && !key.StartsWith("flops", StringComparison.Ordinal)
                    && key != "tokens_per_second"
                ),
            ];
            Assert.All(same, key => Assert.Equal(own.Metrics[key], told.Metrics[key], key == "entropy" ? 0.05 : 1e-3));
        }
    }

    [Fact]
    public async Task A_run_over_http_that_stops_and_goes_on_ends_where_one_that_does_not_stop_ends()
    {
        await using var app = await StartAsync();
        var whole = await RunAsync("whole", null);
        await RunAsync("parts", 4);
        var parts = await RunAsync("parts", null);

        Assert.Equal(whole, parts);
        // Of a run only its last checkpoint and its best weights are kept.
        Assert.All(Directory.GetDirectories(_folder.File("kept")), model =>
            Assert.InRange(Directory.GetDirectories(Path.Combine(model, "weights")).Length, 0, 2)
        );

        async Task<float[]> RunAsync(string name, int? stopAt)
        {
            await using var port = await ConnectAsync(app);
            using var source = CancellationTokenSource.CreateLinkedTokenSource(Token);
            var options = ReverseDigitsOptions.FromNothing(ReinforcementMethod.Grpo, Seed) with
            {
                Steps = 8,
                TasksPerStep = 4,
                Attempts = 4,
                SaveEvery = 2,
                EvaluateEvery = 2,
            };
            var (tasks, heldOut) = ReverseDigits.Tasks(Seed, 20);
            var training = ReinforcementLoop.TrainAsync(
                port,
                false,
                tasks,
                heldOut,
                new ReverseDigits(),
                options,
                new RunFolder(_folder.File(name)),
                true,
                TimeProvider.System,
                line =>
                {
                    if (line.Step == stopAt)
                    {
                        source.Cancel();
                    }
                },
                null,
                source.Token
            );
            if (stopAt is not null)
            {
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => training);
                await UnloadAsync(app, port);
                return [];
            }

            await training;
            await port.ExportAsync(_folder.File("out"), Token);
            await UnloadAsync(app, port);
            using var model = HuggingFaceFolder.Load(_folder.File("out"), _compute);
            return Weights(model.Parameters);
        }
    }

    [Fact]
    public async Task Two_clients_train_adapters_of_their_own_on_one_model_and_fetch_them()
    {
        await using var app = await StartAsync(all: false);
        await using var one = await ConnectAsync(app, new LoraConfig(4, Seed: 3, Alpha: 8));
        await using var two = await ConnectAsync(app, new LoraConfig(2, Seed: 3, TrainAttn: false));
        var before = await DrawAsync(two);

        await LearnAsync(one);
        var after = await DrawAsync(two);
        await one.ExportAsync(_folder.File("one"), Token);
        await two.ExportAsync(_folder.File("two"), Token);

        Assert.Equal(before, after);
        Assert.NotEqual(before, await DrawAsync(one));
        using var model = HuggingFaceFolder.Load(Begin, _compute);
        using var adapter = PeftFolder.Load(_folder.File("one"), model, _compute);
        Assert.Equal((4, 8f), (adapter.Options.Rank, adapter.Options.Alpha));
        using var other = PeftFolder.Load(_folder.File("two"), model, _compute);
        Assert.All(other.Parameters, parameter => Assert.Contains("mlp", parameter.Name, StringComparison.Ordinal));
        // What was fetched computes what the server computes.
        adapter.Attach();
        adapter.Train(true);
        await using var local = new LocalModelPort(new LanguagePolicy(model, _compute, adapter), new LocalPortOptions());
        Assert.Equal(await DrawAsync(local), await DrawAsync(one));
        var scores = await one.ScoreAsync([s_sequence], ScoredBy.Policy, Token);
        Assert.Equal((await local.ScoreAsync([s_sequence], ScoredBy.Policy, Token))[0].LogProbabilities, scores[0].LogProbabilities);
    }

    [Fact]
    public async Task Weights_that_were_kept_are_sampled_from_whatever_has_been_learned_since()
    {
        await using var app = await StartAsync();
        await using var port = await ConnectAsync(app);
        var model = await ModelAsync(port);
        await ResultAsync(app, "save_weights_for_sampler", new { model_id = model, path = "early" });
        var request = new
        {
            model_path = $"tinker://{model}/sampler_weights/early",
            num_samples = 4,
            prompt = Prompt(1, 2, 3, 4, 10),
            sampling_params = new { max_tokens = 4, seed = 5 },
        };
        var before = await ResultAsync(app, "asample", request);

        await LearnAsync(port);
        var after = await ResultAsync(app, "asample", request);

        Assert.Equal(before.GetRawText(), after.GetRawText());
        Assert.Equal(4, after.GetProperty("sequences").GetArrayLength());
        Assert.Equal("length", after.GetProperty("sequences")[0].GetProperty("stop_reason").GetString());
        await ResultAsync(app, "save_weights_for_sampler", new { model_id = model, path = "late" });
        Assert.NotEqual(
            before.GetRawText(),
            (
                await ResultAsync(
                    app,
                    "asample",
                    JsonNode.Parse(JsonSerializer.Serialize(request).Replace("early", "late", StringComparison.Ordinal))!
                )
            ).GetRawText()
        );
    }

    [Fact]
    public async Task A_request_that_comes_twice_is_done_once_and_a_number_is_used_once()
    {
        await using var app = await StartAsync();
        await using var port = await ConnectAsync(app);
        var model = await ModelAsync(port);
        var learn = new
        {
            model_id = model,
            seq_id = 7,
            forward_backward_input = Input(),
        };

        var first = await PostAsync(app, "forward_backward", learn);
        var again = await PostAsync(app, "forward_backward", learn);
        var step = await ResultAsync(
            app,
            "optim_step",
            new
            {
                model_id = model,
                seq_id = 8,
                adam_params = new { learning_rate = 0.01 },
            }
        );
        var other = await PostAsync(
            app,
            "optim_step",
            new
            {
                model_id = model,
                seq_id = 7,
                adam_params = new { learning_rate = 0.01 },
            }
        );
        var late = await PostAsync(
            app,
            "optim_step",
            new
            {
                model_id = model,
                seq_id = 3,
                adam_params = new { learning_rate = 0.01 },
            }
        );

        Assert.Equal(first.Body.GetProperty("request_id").GetString(), again.Body.GetProperty("request_id").GetString());
        Assert.Equal(HttpStatusCode.Conflict, other.Status);
        Assert.Equal(HttpStatusCode.Conflict, late.Status);
        // One gradient, not two.
        await ResultAsync(
            app,
            "forward_backward",
            new
            {
                model_id = model,
                seq_id = 9,
                forward_backward_input = Input(),
            }
        );
        var second = await ResultAsync(
            app,
            "optim_step",
            new
            {
                model_id = model,
                seq_id = 10,
                adam_params = new { learning_rate = 0 },
            }
        );
        Assert.InRange(
            step.GetProperty("metrics").GetProperty("grad_norm").GetDouble()
                / second.GetProperty("metrics").GetProperty("grad_norm").GetDouble(),
            0.5,
            1.6
        );
    }

    [Theory]
    [InlineData("""{"model_id":"M","forward_backward_input":{"loss_fn":"sft","data":[D]}}""", "There is no loss 'sft'")]
    [InlineData("""{"model_id":"nobody","forward_backward_input":{"loss_fn":"ppo","data":[D]}}""", "no such model")]
    [InlineData("""{"model_id":"M","forward_backward_input":{"loss_fn":"ppo","data":[]}}""", "1 to 16384 sequences")]
    [InlineData(
        """{"model_id":"M","forward_backward_input":{"loss_fn":"ppo","loss_fn_config":{"clip_low_threshold":1.2},"data":[D]}}""",
        "bounds of the ratio itself"
    )]
    [InlineData(
        """{"model_id":"M","forward_backward_input":{"loss_fn":"ppo","data":[{"model_input":{"chunks":[{"tokens":[1,99]}]},"loss_fn_inputs":{"target_tokens":{"data":[99,3]},"logprobs":{"data":[0,0]},"advantages":{"data":[0,1]}}}]}}""",
        "token 99 is not in the vocabulary of 11"
    )]
    [InlineData(
        """{"model_id":"M","forward_backward_input":{"loss_fn":"ppo","data":[{"model_input":{"chunks":[{"tokens":[1,2]}]},"loss_fn_inputs":{"target_tokens":{"data":[2,3]},"logprobs":{"data":[0]},"advantages":{"data":[0,1]}}}]}}""",
        "2 tokens and 1 'logprobs'"
    )]
    [InlineData(
        """{"model_id":"M","forward_backward_input":{"loss_fn":"ppo","data":[{"model_input":{"chunks":[{"tokens":[1,2]}]},"loss_fn_inputs":{"target_tokens":{"data":[5,3]},"logprobs":{"data":[0,0]},"advantages":{"data":[0,1]}}}]}}""",
        "one place on"
    )]
    [InlineData(
        """{"model_id":"M","forward_backward_input":{"loss_fn":"ppo","data":[{"model_input":{"chunks":[{"tokens":[1,2]}]},"loss_fn_inputs":{"target_tokens":{"data":[2,3]},"logprobs":{"data":[0,1e300]},"advantages":{"data":[0,1]}}}]}}""",
        "finite"
    )]
    [InlineData(
        """{"model_id":"M","forward_backward_input":{"loss_fn":"ppo","data":[{"model_input":{"chunks":[{"tokens":[1,2]}]},"loss_fn_inputs":{"target_tokens":{"data":[2,3]},"advantages":{"data":[0,1]}}}]}}""",
        "no 'logprobs'"
    )]
    [InlineData(
        """{"model_id":"M","forward_backward_input":{"loss_fn":"ppo","data":[{"model_input":{"chunks":[{"type":"image","tokens":[]}]},"loss_fn_inputs":{}}]}}""",
        "'encoded_text'"
    )]
    [InlineData(
        """{"model_id":"M","forward_backward_input":{"loss_fn":"ppo","data":[{"model_input":{"chunks":[{"tokens":[1,1,1,1,1,1,1,1,1,1,1,1]}]},"loss_fn_inputs":{"target_tokens":{"data":[1,1,1,1,1,1,1,1,1,1,1,1]},"logprobs":{"data":[0,0,0,0,0,0,0,0,0,0,0,0]},"advantages":{"data":[0,0,0,0,0,0,0,0,0,0,0,0]}}}]}}""",
        "longest context"
    )]
    [InlineData("""{"model_id":"M","forward_backward_input":{"loss_fn":"ppo","data":[NaN]}}""", "not the JSON")]
    [InlineData("""{"forward_backward_input":null}""", "not the JSON")]
    [InlineData("", "not the JSON")]
    public async Task A_request_that_cannot_be_is_refused_with_what_is_wrong_before_it_is_promised(string body, string expected)
    {
        await using var app = await StartAsync();
        await using var port = await ConnectAsync(app);
        const string Good =
            """{"model_input":{"chunks":[{"tokens":[1,2]}]},"loss_fn_inputs":{"target_tokens":{"data":[2,3]},"logprobs":{"data":[0,0]},"advantages":{"data":[0,1]}}}""";

        var (status, answer) = await PostTextAsync(
            app,
            "forward_backward",
            body.Replace("\"M\"", $"\"{await ModelAsync(port)}\"", StringComparison.Ordinal)
                .Replace("[D]", $"[{Good}]", StringComparison.Ordinal)
        );

        Assert.InRange((int)status, 400, 422);
        Assert.Contains(expected, JsonDocument.Parse(answer).RootElement.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_of_checkpoints_lead_nowhere_else()
    {
        await using var app = await StartAsync();
        await using var port = await ConnectAsync(app);
        var model = await ModelAsync(port);

        foreach (var name in (string[])["../x", "a/b", "", ".", "C:", new string('a', 201)])
        {
            Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync(app, "save_weights", new { model_id = model, path = name })).Status);
            Assert.Equal(
                HttpStatusCode.BadRequest,
                (await PostAsync(app, "load_weights", new { model_id = model, path = $"tinker://{model}/weights/{name}" })).Status
            );
        }

        Assert.Equal(
            HttpStatusCode.NotFound,
            (await PostAsync(app, "load_weights", new { model_id = model, path = $"tinker://{model}/weights/never" })).Status
        );
        Assert.Equal(
            HttpStatusCode.NotFound,
            (
                await _http.GetAsync(new Uri($"{app.Urls.Single()}/api/v1/training_runs/..%2f..%2fbegin/checkpoints/x/download"), Token)
            ).StatusCode
        );
        Assert.Equal(
            HttpStatusCode.NotFound,
            (
                await _http.DeleteAsync(new Uri($"{app.Urls.Single()}/api/v1/training_runs/{model}/checkpoints/weights/%2e%2e"), Token)
            ).StatusCode
        );
    }

    [Fact]
    public async Task Three_thousand_broken_requests_are_no_failure_of_the_server_and_it_still_trains()
    {
        await using var app = await StartAsync(all: false);
        await using var broken = await ConnectAsync(app, new LoraConfig(2));
        await using var port = await ConnectAsync(app, new LoraConfig(2));
        var model = await ModelAsync(broken);
        var random = new SeededRandom(20_261_121);
        (string Path, string Body)[] good =
        [
            ("create_session", """{"tags":[],"sdk_version":"1","type":"create_session"}"""),
            ("session_heartbeat", """{"session_id":"s"}"""),
            ("create_model", """{"session_id":"s","model_seq_id":0,"base_model":"begin"}"""),
            ("forward_backward", JsonSerializer.Serialize(new { model_id = model, forward_backward_input = Input() })),
            ("forward", JsonSerializer.Serialize(new { model_id = model, forward_input = Input() })),
            (
                "optim_step",
                JsonSerializer.Serialize(
                    new
                    {
                        model_id = model,
                        adam_params = new
                        {
                            learning_rate = 0,
                            beta1 = 0.9,
                            eps = 1e-8,
                            grad_clip_norm = 1.0,
                        },
                    }
                )
            ),
            (
                "save_weights_for_sampler",
                JsonSerializer.Serialize(
                    new
                    {
                        model_id = model,
                        sampling_session_seq_id = 1,
                        seq_id = 1,
                    }
                )
            ),
            ("save_weights", JsonSerializer.Serialize(new { model_id = model, path = "a" })),
            ("load_weights", JsonSerializer.Serialize(new { model_id = model, path = "tinker://m/weights/a" })),
            ("retrieve_future", """{"request_id":"0-1"}"""),
            ("get_info", JsonSerializer.Serialize(new { model_id = model })),
            (
                "asample",
                JsonSerializer.Serialize(
                    new
                    {
                        model_path = "tinker://m/sampler_weights/a",
                        num_samples = 2,
                        prompt = Prompt(1, 2),
                        sampling_params = new
                        {
                            max_tokens = 2,
                            stop = new[] { 3 },
                            temperature = 1,
                        },
                    }
                )
            ),
        ];
        string[] pieces =
        [
            "null",
            "-1",
            "1e999",
            "99999999999999999999",
            "\"\"",
            "[]",
            "{}",
            "true",
            "NaN",
            "\"\\ud800\"",
            "[[1]]",
            "0.5",
            "\"" + new string('x', 500) + "\"",
        ];

        foreach (var _ in Enumerable.Range(0, 3000))
        {
            var (path, body) = good[random.NextInt(good.Length)];
            var text = Broken(body);
            var (status, answer) = await PostTextAsync(app, path, text);
            Assert.True((int)status < 500, $"{path} {text}\n{(int)status} {answer}");
            Assert.DoesNotContain("   at ", answer, StringComparison.Ordinal);
        }

        await LearnAsync(port);

        string Broken(string body)
        {
            switch (random.NextInt(3))
            {
                case 0:
                    return body[..random.NextInt(body.Length)];
                case 1:
                    var at = random.NextInt(body.Length);
                    return $"{body[..at]}{(char)(32 + random.NextInt(95))}{body[(at + 1)..]}";
                default:
                    // A value for another.
                    var values = System.Text.RegularExpressions.Regex.Matches(body, @"(?<=[:\[,])(-?[\d.eE-]+|""[^""]*""|null)");
                    var value = values[random.NextInt(values.Count)];
                    return $"{body[..value.Index]}{pieces[random.NextInt(pieces.Length)]}{body[(value.Index + value.Length)..]}";
            }
        }
    }

    [Fact]
    public async Task A_server_with_a_key_lets_in_who_has_it()
    {
        const string Key = "a-key-of-enough-characters";
        await using var app = await StartAsync(key: Key);

        var refused = await Assert.ThrowsAsync<TinkerException>(() => ConnectAsync(app));
        var wrong = await Assert.ThrowsAsync<TinkerException>(() => ConnectAsync(app, key: Key + "x"));
        await using var port = await ConnectAsync(app, key: Key);

        Assert.Contains("refuses the key", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Key, wrong.ToString(), StringComparison.Ordinal);
        await LearnAsync(port);
    }

    [Fact]
    public async Task A_server_without_a_key_is_for_this_machine_and_not_for_pages_in_its_browser()
    {
        var open = Assert.Throws<LightningException>(() =>
            ModelServerHost.Build(new ModelServerOptions { ModelFolder = Begin, Urls = "http://0.0.0.0:0" }, Token)
        );
        var brief = Assert.Throws<LightningException>(() =>
            ModelServerHost.Build(new ModelServerOptions { ModelFolder = Begin, ApiKey = "short" }, Token)
        );
        Assert.Contains("--api-key-file", open.Message, StringComparison.Ordinal);
        Assert.Contains("16", brief.Message, StringComparison.Ordinal);
        await using var app = await StartAsync();
        var address = new Uri($"{app.Urls.Single()}/api/v1/create_session");
        const string Body = """{"tags":[],"sdk_version":"1"}""";

        using var plain = await _http.PostAsync(address, new StringContent(Body, Encoding.UTF8, "text/plain"), Token);
        using var elsewhere = new HttpRequestMessage(HttpMethod.Post, address)
        {
            Content = new StringContent(Body, Encoding.UTF8, "application/json"),
            Headers = { Host = "evil.example" },
        };
        using var other = await _http.SendAsync(elsewhere, Token);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, plain.StatusCode);
        Assert.Equal(HttpStatusCode.MisdirectedRequest, other.StatusCode);
    }

    [Fact]
    public async Task A_model_of_all_weights_is_alone_until_it_is_unloaded_and_then_everything_is_as_it_was()
    {
        await using var app = await StartAsync();
        await using var first = await ConnectAsync(app);
        var fresh = await DrawAsync(first);
        await LearnAsync(first);
        Assert.NotEqual(fresh, await DrawAsync(first));

        var refused = await Assert.ThrowsAsync<TinkerException>(() => ConnectAsync(app));
        await UnloadAsync(app, first);
        await using var second = await ConnectAsync(app);

        Assert.Contains("must be alone", refused.Message, StringComparison.Ordinal);
        Assert.Equal(fresh, await DrawAsync(second));
        await Assert.ThrowsAsync<TinkerException>(() => LearnAsync(first));
    }

    [Fact]
    public async Task A_client_that_is_done_makes_room_at_once_and_one_that_is_lost_after_a_while()
    {
        var time = new FakeTimeProvider();
        await using var app = await StartAsync(clock: time);
        await (await ConnectAsync(app)).DisposeAsync();
        await using var lost = await ConnectAsync(app, heartbeat: TimeSpan.FromDays(1));
        await Assert.ThrowsAsync<TinkerException>(() => ConnectAsync(app));

        time.Advance(TimeSpan.FromMinutes(11));

        await using var next = await ConnectAsync(app);
        await LearnAsync(next);
    }

    private static readonly TokenSequence s_sequence = new()
    {
        Tokens = [1, 2, 3, 4, 10, 4, 3],
        Drawn = [5, 6],
        Old = [-2, -2.5f],
        Advantages = [1, -1],
    };

    private static object Prompt(params int[] tokens) => new { chunks = new[] { new { type = "encoded_text", tokens } } };

    private static object Input() =>
        new
        {
            loss_fn = "importance_sampling",
            data = new[]
            {
                new
                {
                    model_input = Prompt(1, 2, 3),
                    loss_fn_inputs = new
                    {
                        target_tokens = new { data = new[] { 2, 3, 4 }, dtype = "int64" },
                        logprobs = new { data = new[] { 0, 0, -2.5 } },
                        advantages = new { data = new[] { 0, 0, 1.0 } },
                    },
                },
            },
        };

    private async Task<WebApplication> StartAsync(bool all = true, string? key = null, TimeProvider? clock = null)
    {
        var app = ModelServerHost.Build(
            new ModelServerOptions
            {
                ModelFolder = Begin,
                Urls = "http://127.0.0.1:0",
                AllWeights = all,
                ApiKey = key,
                Threads = 2,
                CheckpointFolder = _folder.File("kept"),
            },
            clock ?? TimeProvider.System,
            Token
        );
        await app.StartAsync(Token);
        return app;
    }

    private static Task<TinkerModelPort> ConnectAsync(
        WebApplication app,
        LoraConfig? lora = null,
        string? key = null,
        TimeSpan? heartbeat = null
    ) =>
        TinkerModelPort.CreateAsync(
            new TinkerOptions
            {
                Url = new Uri(app.Urls.Single()),
                Lora = lora,
                ApiKey = key,
                Retries = 0,
                HeartbeatEvery = heartbeat ?? TimeSpan.FromSeconds(10),
            },
            null,
            TimeProvider.System,
            Token
        );

    private static Task<ReinforcementResult> TrainAsync(IModelPort port, ReinforcementOptions options, RunFolder? run)
    {
        var (tasks, heldOut) = ReverseDigits.Tasks(Seed, run is null ? 500 : 40);
        return ReinforcementLoop.TrainAsync(
            port,
            false,
            tasks,
            heldOut,
            new ReverseDigits(),
            options,
            run,
            false,
            TimeProvider.System,
            null,
            null,
            Token
        );
    }

    private static async Task LearnAsync(IModelPort port)
    {
        await port.ForwardBackwardAsync([s_sequence], new GroupPolicyLoss(), 4, new MetricSums(), Token);
        Assert.InRange((await port.StepAsync(new AdamStep(0.05f, new AdamW(WeightDecay: 0)), Token))!.Value, 1e-4, 100);
    }

    private static async Task<string> DrawAsync(IModelPort port)
    {
        var drawn = await port.SampleAsync(
            [new SamplingRequest([1, 2, 3, 4, 10], 3, new GenerationOptions { MaxTokens = 4, Seed = 11 })],
            Token
        );
        return string.Join('\n', drawn[0].Select(one => $"{string.Join(' ', one.Tokens)}: {string.Join(' ', one.LogProbabilities)}"));
    }

    private static async Task<string> ModelAsync(TinkerModelPort port)
    {
        var path = await port.SaveAsync("named", Token);
        await port.DeleteAsync(path, Token);
        return path.Split('/')[2];
    }

    private async Task UnloadAsync(WebApplication app, TinkerModelPort port) =>
        await ResultAsync(app, "unload_model", new { model_id = await ModelAsync(port) });

    private async Task<JsonElement> ResultAsync(WebApplication app, string path, object request)
    {
        var (status, promise) = await PostAsync(app, path, request);
        Assert.Equal(HttpStatusCode.OK, status);
        var (done, result) = await PostAsync(app, "retrieve_future", new { request_id = promise.GetProperty("request_id").GetString() });
        Assert.True(done == HttpStatusCode.OK, result.GetRawText());
        return result;
    }

    private async Task<(HttpStatusCode Status, JsonElement Body)> PostAsync(WebApplication app, string path, object request)
    {
        var (status, text) = await PostTextAsync(app, path, JsonSerializer.Serialize(request));
        return (status, JsonDocument.Parse(text).RootElement);
    }

    private async Task<(HttpStatusCode Status, string Text)> PostTextAsync(WebApplication app, string path, string body)
    {
        using var response = await _http.PostAsync(
            new Uri($"{app.Urls.Single()}/api/v1/{path}"),
            new StringContent(body, Encoding.UTF8, "application/json"),
            Token
        );
        return (response.StatusCode, await response.Content.ReadAsStringAsync(Token));
    }

    private static float[] Weights(IEnumerable<Parameter> parameters) =>
        [
            .. parameters.SelectMany(parameter =>
            {
                var values = new float[parameter.Count];
                parameter.Read(0, values);
                return values;
            }),
        ];
}
