using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using System.Text.RegularExpressions;
using AgentLightning.Models.Objectives.Sequences;
using AgentLightning.Models.Ports;
using AgentLightning.Models.Ports.Tinker;
using AgentLightning.Models.Tensors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AgentLightning.ModelServer;

/// <summary>The routes. Each checks all that it was sent before it promises anything.</summary>
internal static partial class TinkerEndpoints
{
    private const int MostSequences = 16_384,
        MostSamples = 1_024;

    public static void MapTinker(this IEndpointRouteBuilder app, ModelHost host, TimeProvider clock)
    {
        var api = app.MapGroup("/api/v1");
        api.MapGet("healthz", () => new { status = "ok" });
        api.MapGet("get_server_capabilities", context =>
            AnswerAsync(
                context,
                new ServerCapabilities(
                    [new SupportedModel(host.Options.Name, host.Limits.VocabularySize, host.Limits.MaxPositions)],
                    TinkerLoss.Names,
                    SeedBits: 53
                )
            )
        );
        api.MapPost("client/config", context => AnswerAsync(
                context,
                new
                {
                    pjwt_auth_enabled = false,
                    proto_write_fwdbwd = false,
                    proto_compress_fwdbwd = false,
                }
            ));
        api.MapPost("telemetry", context => AnswerAsync(context, new { status = "accepted" }));
        Post<CreateSession>(api, "create_session", (_, _) => new SessionMade(host.OpenSession()));
        Post<Heartbeat>(api, "session_heartbeat", (request, _) =>
        {
            host.Touch(request.SessionId);
            return new { type = "session_heartbeat" };
        });
        Post<CreateModel>(api, "create_model", (request, _) => CreateModel(host, request));
        Post<UnloadModel>(api, "unload_model", (request, _) =>
            new Promise(host.PromiseUnload(host.Find(request.ModelId)), request.ModelId)
        );
        Post<UnloadModel>(api, "get_info", (request, _) =>
        {
            var model = host.Find(request.ModelId);
            return new
            {
                model_id = model.Id,
                status = "created",
                model_data = new
                {
                    base_model = host.Options.Name,
                    lora_config = model.Lora,
                    model_name = host.Options.Name,
                },
            };
        });
        Post<ForwardBackward>(api, "forward_backward", (request, body) => Learn(host, request, body));
        Post<Forward>(api, "forward", (request, body) => Score(host, request, body));
        Post<OptimStep>(api, "optim_step", (request, body) => Step(host, request, body));
        Post<SaveWeights>(api, "save_weights", (request, body) => Save(host, request, body));
        Post<LoadWeights>(api, "load_weights", (request, body) => Load(host, request, body));
        Post<SaveWeightsForSampler>(api, "save_weights_for_sampler", (request, body) => SaveForSampler(host, request, body));
        Post<Sample>(api, "asample", (request, body) => Draw(host, request, body));
        api.MapPost("retrieve_future", async context =>
        {
            var (request, _) = await ReadAsync<RetrieveFuture>(context);
            var outcome = await host.Futures.WaitAsync(request.RequestId, host.Options.LongPoll, clock, context.RequestAborted);
            await TinkerErrors.WriteAsync(
                context,
                outcome
                    ?? new Outcome(
                        StatusCodes.Status408RequestTimeout,
                        JsonSerializer.SerializeToUtf8Bytes(
                            new
                            {
                                type = "try_again",
                                request_id = request.RequestId,
                                queue_state = "active",
                            },
                            TinkerJson.Options
                        )
                    )
            );
        });
        var checkpoints = api.MapGroup("training_runs/{model}/checkpoints");
        checkpoints.MapGet("{name}/archive", (string model, string name) =>
        {
            Exported(host, model, name);
            return Results.Redirect($"/api/v1/training_runs/{model}/checkpoints/{name}/download");
        });
        checkpoints.MapGet("{name}/download", (HttpContext context, string model, string name) =>
            SendAsync(context, Exported(host, model, name))
        );
        checkpoints.MapDelete("{kind}/{name}", (string model, string kind, string name) =>
        {
            var folder = kind is "weights" or "sampler_weights"
                ? Existing(host, model, kind, name)
                : throw TinkerRefusal.Invalid("A checkpoint is weights/NAME or sampler_weights/NAME.");
            Directory.Delete(folder, recursive: true);
            return Results.NoContent();
        });
    }

    private static Promise CreateModel(ModelHost host, CreateModel request)
    {
        if (request.BaseModel != host.Options.Name)
        {
            throw TinkerRefusal.NotFound($"There is no model '{TinkerText.Brief(request.BaseModel)}' here. There is: {host.Options.Name}.");
        }

        var (promise, model) = host.PromiseModel(request.SessionId, request.LoraConfig);
        return new Promise(promise, model);
    }

    private static Promise Learn(ModelHost host, ForwardBackward request, byte[] body)
    {
        var model = host.Find(request.ModelId);
        var input = request.ForwardBackwardInput;
        var objective = TinkerLoss.Objective(input.LossFn, input.LossFnConfig);
        var sequences = Sequences(host, input);
        return new Promise(host.Promise(model, request.SeqId, body, async cancellationToken =>
            {
                var metrics = new MetricSums();
                var pass = await model.Port.ForwardBackwardAsync(sequences, objective, 1, metrics, cancellationToken);
                if (!double.IsFinite(pass.Loss))
                {
                    throw TinkerRefusal.Invalid(
                        FormattableString.Invariant(
                            $"The loss is {pass.Loss}. Lower the learning rate, and go back to weights that were saved."
                        )
                    );
                }

                var told = new Dictionary<string, double>(StringComparer.Ordinal) { ["loss:sum"] = pass.Loss };
                if (pass.Entropy is { } entropy)
                {
                    told["entropy:mean"] = entropy;
                }

                return Answer(pass.LogProbabilities, told);
            }));
    }

    private static Promise Score(ModelHost host, Forward request, byte[] body)
    {
        var model = host.Find(request.ModelId);
        TinkerLoss.Objective(request.ForwardInput.LossFn, request.ForwardInput.LossFnConfig);
        var sequences = Sequences(host, request.ForwardInput);
        return new Promise(
            host.Promise(model, request.SeqId, body, async cancellationToken =>
                Answer(
                    [
                        .. (await model.Port.ScoreAsync(sequences, ScoredBy.Policy, cancellationToken)).Select(score =>
                            score.LogProbabilities
                        ),
                    ],
                    []
                )
            )
        );
    }

    private static Promise Step(ModelHost host, OptimStep request, byte[] body)
    {
        var model = host.Find(request.ModelId);
        var adam = request.AdamParams;
        (bool Right, string Rule, double Seen)[] checks =
        [
            (adam.LearningRate is >= 0 and < 10, "'learning_rate' must be 0 or more and below 10", adam.LearningRate),
            (adam.Beta1 is >= 0 and < 1, "'beta1' must be from 0 to below 1", adam.Beta1),
            (adam.Beta2 is >= 0 and < 1, "'beta2' must be from 0 to below 1", adam.Beta2),
            (adam.Eps is > 0 and < 1, "'eps' must be above 0 and below 1", adam.Eps),
            (adam.WeightDecay is >= 0 and < 10, "'weight_decay' must be 0 or more and below 10", adam.WeightDecay),
            (adam.GradClipNorm is >= 0 and < double.PositiveInfinity, "'grad_clip_norm' must be 0 or more", adam.GradClipNorm),
        ];
        if (checks.FirstOrDefault(check => !check.Right) is { Rule: { } rule } wrong)
        {
            throw TinkerRefusal.Invalid(FormattableString.Invariant($"{rule}, but it is {wrong.Seen}."));
        }

        var update = new AdamStep(
            (float)adam.LearningRate,
            new AdamW((float)adam.Beta1, (float)adam.Beta2, (float)adam.Eps, (float)adam.WeightDecay),
            adam.GradClipNorm == 0 ? double.PositiveInfinity : adam.GradClipNorm
        );
        return new Promise(host.Promise(model, request.SeqId, body, async cancellationToken =>
            {
                model.Changed();
                var norm = (await model.Port.StepAsync(update, cancellationToken))!.Value;
                return double.IsFinite(norm)
                    ? new OptimStepMade(new Dictionary<string, double>(StringComparer.Ordinal) { ["grad_norm"] = norm })
                    : throw TinkerRefusal.Invalid(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"The norm of the gradient is {norm}, so no weight was changed. Lower the learning rate, and go back to "
                                + $"weights that were saved."
                        )
                    );
            }));
    }

    private static Promise Save(ModelHost host, SaveWeights request, byte[] body)
    {
        var (model, name) = (host.Find(request.ModelId), Name(request.Path));
        return new Promise(host.Promise(model, request.SeqId, body, async cancellationToken =>
            {
                await model.Port.SaveAsync(name, cancellationToken);
                return new Kept($"tinker://{model.Id}/weights/{name}", Type: "save_weights");
            }));
    }

    private static Promise Load(ModelHost host, LoadWeights request, byte[] body)
    {
        var model = host.Find(request.ModelId);
        var path = TinkerPath().Match(request.Path);
        if (!path.Success || path.Groups["kind"].Value != "weights")
        {
            throw TinkerRefusal.Invalid("'path' must be tinker://MODEL/weights/NAME, as save_weights gave it.");
        }

        var folder = Existing(host, path.Groups["model"].Value, "weights", path.Groups["name"].Value);
        return new Promise(host.Promise(model, request.SeqId, body, async cancellationToken =>
            {
                model.Changed();
                await model.Port.LoadAsync(folder, cancellationToken);
                return new Kept(request.Path, Type: "load_weights");
            }));
    }

    private static Promise SaveForSampler(ModelHost host, SaveWeightsForSampler request, byte[] body)
    {
        var model = host.Find(request.ModelId);
        var name = request.Path is null ? null : Name(request.Path);
        var session =
            name is not null ? null
            : request is { SamplingSessionSeqId: { } sampler, SeqId: { } number }
                ? FormattableString.Invariant($"sampling_{model.Id}_{sampler}_{number}")
            : throw TinkerRefusal.Invalid("Either 'path', or 'sampling_session_seq_id' and 'seq_id', must be there.");
        return new Promise(host.Promise(model, request.SeqId, body, async cancellationToken =>
            {
                model.KeepSampler(session ?? $"tinker://{model.Id}/sampler_weights/{name}");
                if (name is not null)
                {
                    await model.ExportAsync(name, host.Options.ModelFolder, host.Options.Name, cancellationToken);
                }

                return new Kept(name is null ? null : $"tinker://{model.Id}/sampler_weights/{name}", session, "save_weights_for_sampler");
            }));
    }

    private static Promise Draw(ModelHost host, Sample request, byte[] body)
    {
        var name = request.SamplingSessionId
            ?? request.ModelPath
            ?? throw TinkerRefusal.Invalid(
                "'sampling_session_id' or 'model_path' must name weights that save_weights_for_sampler kept; the base model alone is not "
                    + "sampled from here."
            );
        var sampler = host.FindSampler(name);
        host.Find(sampler.Model.Id);
        var (prompt, options) = (TinkerData.Tokens(request.Prompt), TinkerSampling.Options(request.SamplingParams));
        CheckTokens(host, prompt);
        if (prompt.Length == 0 || prompt.Length + (long)options.MaxTokens! > host.Limits.MaxPositions)
        {
            throw TinkerRefusal.Invalid(
                $"The prompt has {prompt.Length} tokens and the continuation may have {options.MaxTokens}; there must be at least 1, and "
                    + $"at most {host.Limits.MaxPositions} together, the longest context of this model."
            );
        }

        if (request.NumSamples is < 1 or > MostSamples)
        {
            throw TinkerRefusal.Invalid($"'num_samples' must be 1 to {MostSamples}, but it is {request.NumSamples}.");
        }

        return new Promise(host.Promise(sampler, request.SeqId, body, new SamplingRequest(prompt, request.NumSamples, options)));
    }

    private static List<TokenSequence> Sequences(ModelHost host, LossInput input)
    {
        if (input.Data.Count is < 1 or > MostSequences)
        {
            throw TinkerRefusal.Invalid($"There must be 1 to {MostSequences} sequences in 'data', but there are {input.Data.Count}.");
        }

        var sequences = new List<TokenSequence>(input.Data.Count);
        foreach (var datum in input.Data)
        {
            var sequence = TinkerData.Sequence(datum, input.LossFn);
            CheckTokens(host, sequence.Tokens);
            if (sequence.Tokens.Length > host.Limits.MaxPositions)
            {
                throw TinkerRefusal.Invalid(
                    $"A sequence has {sequence.Tokens.Length} tokens, the last target included; the longest context of this model is "
                        + $"{host.Limits.MaxPositions}."
                );
            }

            sequences.Add(sequence);
        }

        return sequences;
    }

    private static LossOutput Answer(IReadOnlyList<float[]> logProbabilities, Dictionary<string, double> metrics) =>
        logProbabilities.All(row => row.All(float.IsFinite))
            ? new LossOutput(
                [
                    .. logProbabilities.Select(row => new Dictionary<string, TensorData>(StringComparer.Ordinal)
                    {
                        ["logprobs"] = TinkerData.Row(row),
                    }),
                ],
                metrics
            )
            : throw TinkerRefusal.Invalid("The model gives log-probabilities that are not finite. Go back to weights that were saved.");

    private static void CheckTokens(ModelHost host, int[] tokens)
    {
        foreach (var token in tokens)
        {
            if (token < 0 || token >= host.Limits.VocabularySize)
            {
                throw TinkerRefusal.Invalid(
                    $"The token {token} is not in the vocabulary of {host.Limits.VocabularySize}. Is it the tokenizer of this model?"
                );
            }
        }
    }

    private static string Name(string name) =>
        NamePattern().IsMatch(name)
            ? name
            : throw TinkerRefusal.Invalid(
                $"'path' must be a name of letters, digits, '-' and '_', 200 at most, but it is '{TinkerText.Brief(name)}'."
            );

    private static string Exported(ModelHost host, string model, string name) => Existing(host, model, "sampler_weights", name);

    /// <summary>The folder of a checkpoint. Names are checked first: they must not lead elsewhere.</summary>
    private static string Existing(ModelHost host, string model, string kind, string name)
    {
        var folder = NamePattern().IsMatch(model) && NamePattern().IsMatch(name) ? Path.Combine(host.Folder, model, kind, name) : "";
        return Directory.Exists(folder) ? folder : throw TinkerRefusal.NotFound("There is no such checkpoint.");
    }

    private static async Task SendAsync(HttpContext context, string folder)
    {
        context.Response.ContentType = "application/gzip";
        var packed = new GZipStream(context.Response.Body, CompressionLevel.Fastest);
        await using (packed)
        {
            await TarFile.CreateFromDirectoryAsync(folder, packed, includeBaseDirectory: false, context.RequestAborted);
        }
    }

    private static void Post<T>(RouteGroupBuilder api, string path, Func<T, byte[], object> answer) => api.MapPost(path, async context =>
        {
            var (request, body) = await ReadAsync<T>(context);
            await AnswerAsync(context, answer(request, body));
        });

    private static async Task<(T Request, byte[] Body)> ReadAsync<T>(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var bytes = body.ToArray();
        return (JsonSerializer.Deserialize<T>(bytes, TinkerJson.Options) ?? throw new JsonException(), bytes);
    }

    private static Task AnswerAsync(HttpContext context, object answer) =>
        TinkerErrors.WriteAsync(
            context,
            new Outcome(StatusCodes.Status200OK, JsonSerializer.SerializeToUtf8Bytes(answer, TinkerJson.Options))
        );

    [GeneratedRegex(@"^[A-Za-z0-9_-]{1,200}\z")]
    private static partial Regex NamePattern();

    [GeneratedRegex(@"^tinker://(?<model>[A-Za-z0-9_-]{1,200})/(?<kind>weights|sampler_weights)/(?<name>[A-Za-z0-9_-]{1,200})\z")]
    private static partial Regex TinkerPath();
}
