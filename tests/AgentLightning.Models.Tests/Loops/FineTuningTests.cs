using AgentLightning.Models.Adapters;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Tensors;
using AgentLightning.Models.Tokenizers;
using AgentLightning.Testing;

namespace AgentLightning.Models.Tests;

/// <summary>Learning from examples: what is learned, that pieces make no difference, and that a run can stop and go on.</summary>
public sealed class FineTuningTests : IDisposable
{
    private static readonly TokenExample[] s_examples =
    [
        .. Enumerable
            .Range(0, 10)
            .Select(e => new TokenExample(
                [.. Enumerable.Range(0, 5 + (e * 3)).Select(t => ((e * 7) + (t * t)) % 41)],
                1 + (e % 4),
                1 + (e % 3)
            )),
    ];
    private readonly Compute _compute = new(2);
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _compute.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Loss_and_gradient_are_those_of_separate_examples_added_up_however_they_are_packed()
    {
        using var model = TinyModels.Create(TransformerFamily.Qwen2, tied: false);
        model.Train(true);
        double targets = s_examples.Sum(example => example.Targets);
        var (expectedLoss, expected) = Gradient(() =>
            s_examples.Sum(example =>
            {
                using var session = new TrainingSession(model, _compute);
                return session.CrossEntropy(
                    example.Tokens,
                    [0, example.Tokens.Length],
                    [.. Enumerable.Range(example.LearnFrom - 1, example.Targets)],
                    example.Tokens.AsSpan(example.LearnFrom),
                    (float)(example.Weight / targets)
                );
            })
        );

        foreach (var tokensAtOnce in new[] { 1, 20, 50, 10_000 })
        {
            using var step = new FineTuningStep(model, _compute, new FineTuningOptions { Steps = 1, TokensAtOnce = tokensAtOnce });
            var (loss, gradient) = Gradient(() => step.AddGradient(s_examples));
            Assert.Equal(expectedLoss, loss, 1e-5);
            Close.All(expected, gradient, 1e-5, $"{tokensAtOnce} tokens at once");
        }

        (double, float[]) Gradient(Func<double> run)
        {
            model.Train(false);
            model.Train(true);
            var loss = run();
            return (
                loss,
                [
                    .. model.Parameters.SelectMany(parameter =>
                    {
                        var values = new float[parameter.Count];
                        parameter.ReadGradient(0, values);
                        return values;
                    }),
                ]
            );
        }
    }

    [Fact]
    public void What_stands_before_the_completion_and_what_weighs_nothing_is_not_learned()
    {
        using var model = TinyModels.Create(TransformerFamily.Llama, tied: true);
        using var step = new FineTuningStep(model, _compute, new FineTuningOptions { Steps = 1 });
        TokenExample one = new([1, 2, 3, 4, 5, 6], 4),
            same = one with { LearnFrom = 1 };
        using var session = new TrainingSession(model, _compute);
        var logProbabilities = new float[5];
        session.Forward(one.Tokens, [0, 6], [0, 1, 2, 3, 4], one.Tokens.AsSpan(1), logProbabilities);

        Assert.Equal(-logProbabilities[3..].Average(), step.Loss([one]), 1e-5);
        Assert.Equal(-logProbabilities.Average(), step.Loss([same]), 1e-5);
        model.Train(true);
        Assert.Equal(0, step.AddGradient([one with { Weight = 0 }]));
        Assert.All(model.Parameters, parameter =>
        {
            var gradient = new float[parameter.Count];
            parameter.ReadGradient(0, gradient);
            Assert.All(gradient, value => Assert.Equal(0, value));
        });
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public async Task A_run_that_stops_and_goes_on_ends_bit_for_bit_where_one_that_does_not_stop_ends(bool lora, bool crashes)
    {
        var options = new FineTuningOptions
        {
            Steps = 9,
            BatchSize = 3,
            LearningRate = 0.01f,
            Warmup = 2,
            Schedule = Schedule.Cosine,
            SaveEvery = 2,
            EvaluateEvery = 3,
            WeightDecay = 0.1f,
        };
        var whole = await RunAsync("whole", null);
        var stopped = await RunAsync("parts", 5);
        Assert.NotEqual(whole.Weights, stopped.Weights);
        var resumed = await RunAsync("parts", null);

        Assert.Equal(whole.Weights, resumed.Weights);
        Assert.Equal(whole.Journal.Select(line => line with { Seconds = 0 }), resumed.Journal.Select(line => line with { Seconds = 0 }));
        Assert.Equal([0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 9], whole.Journal.Select(line => line.Step));

        async Task<(float[] Weights, IReadOnlyList<FineTuningEvent> Journal)> RunAsync(string name, int? stopAt)
        {
            using var model = TinyModels.Create(TransformerFamily.Qwen3, tied: true);
            using var adapter = Adapter.Create(model, new AdapterOptions { Rank = 2, Alpha = 4 }, 1);
            if (lora)
            {
                adapter.Attach();
                adapter.Train(true);
            }
            else
            {
                model.Train(true);
            }

            var parameters = lora ? adapter.Parameters : model.Parameters;
            var run = new RunFolder(_folder.File(name));
            using var source = new CancellationTokenSource();
            var training = FineTuningLoop.TrainAsync(
                model,
                parameters,
                _compute,
                s_examples[..8],
                s_examples[8..],
                options,
                run,
                resume: true,
                TimeProvider.System,
                line =>
                {
                    if (line.Step == stopAt && crashes)
                    {
                        throw new IOException("The disk is gone.");
                    }

                    if (line.Step == stopAt)
                    {
                        source.Cancel();
                    }
                },
                source.Token
            );
            if (stopAt is null)
            {
                await training;
            }
            else if (crashes)
            {
                await Assert.ThrowsAsync<IOException>(() => training);
            }
            else
            {
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => training);
            }

            return (
                [
                    .. parameters.SelectMany(parameter =>
                    {
                        var values = new float[parameter.Count];
                        parameter.Read(0, values);
                        return values;
                    }),
                ],
                run.ReadJournal()
            );
        }
    }

    [Fact]
    public async Task A_checkpoint_of_another_run_is_refused_and_a_new_run_begins_anew()
    {
        using var model = TinyModels.Create(TransformerFamily.Llama, tied: true);
        model.Train(true);
        var run = new RunFolder(_folder.File("run"));
        var options = new FineTuningOptions { Steps = 2, BatchSize = 2 };
        Task Train(FineTuningOptions o, bool resume) =>
            FineTuningLoop.TrainAsync(
                model,
                model.Parameters,
                _compute,
                s_examples,
                [],
                o,
                run,
                resume,
                TimeProvider.System,
                null,
                CancellationToken.None
            );
        await Train(options, resume: false);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => Train(options with { Steps = 3 }, resume: true));
        Assert.Contains("other examples, options or layers", error.Message, StringComparison.Ordinal);
        await Train(options with { Steps = 3 }, resume: false);
        Assert.Equal([1, 2, 3], run.ReadJournal().Select(line => line.Step));
    }

    [Theory]
    [InlineData("there are 0 examples")]
    [InlineData("all weigh 0", 0)]
    [InlineData("example 1 has 300 tokens", 1, 300)]
    [InlineData("learned from token 5 on", 1, 5)]
    public async Task What_cannot_be_learned_from_is_refused_before_anything_is_trained(string named, params int[] weightAndLength)
    {
        using var model = TinyModels.Create(TransformerFamily.Llama, tied: true);
        model.Train(true);
        TokenExample[] examples = weightAndLength switch
        {
            [] => [],
            [var weight] => [s_examples[0] with { Weight = weight }],
            [var weight, var length] => [s_examples[0], new TokenExample(new int[length], 5, weight)],
            _ => throw new InvalidOperationException("The test has too many numbers."),
        };

        var message = (
            await Assert.ThrowsAsync<ArgumentException>(() => Train(model, examples, new FineTuningOptions { Steps = 2 }))
        ).Message;

        Assert.Contains(named, message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_loss_that_is_not_a_number_stops_the_run_and_leaves_the_checkpoint_before_it()
    {
        using var model = TinyModels.Create(TransformerFamily.Llama, tied: true);
        model.Train(true);
        var run = new RunFolder(_folder.File("run"));
        var table = model.Parameters[0];

        var error = await Assert.ThrowsAsync<InvalidDataException>(() =>
            FineTuningLoop.TrainAsync(
                model,
                model.Parameters,
                _compute,
                s_examples,
                [],
                new FineTuningOptions { Steps = 9, SaveEvery = 1 },
                run,
                false,
                TimeProvider.System,
                line =>
                {
                    if (line.Step == 3)
                    {
                        table.Write(0, Enumerable.Repeat(float.NaN, (int)table.Count).ToArray());
                    }
                },
                CancellationToken.None
            )
        );

        Assert.Contains("Update 4 has loss NaN", error.Message, StringComparison.Ordinal);
        Assert.Equal([1, 2, 3], run.ReadJournal().Select(line => line.Step));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Memory_that_a_run_would_not_have_is_said_before_it_begins(bool checkpointing)
    {
        // Large enough that the smallest piece of memory does not matter.
        var config = TinyModels.Config(TransformerFamily.Qwen3, tied: true) with
        {
            Width = 64,
            InnerWidth = 200,
            Layers = 6,
            VocabularySize = 1000,
        };
        using var model = Transformer.Create(config, 1);
        model.Train(true);
        var tokens = new int[200];
        TokenExample[] examples = [.. Enumerable.Repeat(new TokenExample(tokens, 1), 10)];
        using var session = new TrainingSession(model, _compute, new TrainingSessionOptions { Checkpointing = checkpointing });
        int[] many = [.. examples.SelectMany(example => example.Tokens)],
            starts = [.. Enumerable.Range(0, 11).Select(i => i * 200)];
        session.CrossEntropy(many, starts, [.. Enumerable.Range(0, 2000)], many, 1);

        var estimate = TrainingSession.EstimateBytes(model, 2000, new TrainingSessionOptions { Checkpointing = checkpointing });
        Assert.InRange(estimate, 0.8 * session.Bytes, 1.25 * session.Bytes);

        var updates = 0;
        var options = new FineTuningOptions
        {
            Steps = 1,
            Checkpointing = checkpointing,
            MemoryBytes = (long)(0.9 * estimate),
        };
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => Train(model, examples, options, _ => updates++));
        Assert.Contains("2000 tokens at once, would take", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, updates);
        await Train(model, examples, options with { TokensAtOnce = 200 }, _ => updates++);
        Assert.Equal(1, updates);
    }

    [Fact]
    public async Task A_few_examples_are_learned_by_heart()
    {
        using var model = TinyModels.Create(TransformerFamily.Qwen2, tied: false);
        model.Train(true);
        using var step = new FineTuningStep(model, _compute, new FineTuningOptions { Steps = 1 });

        await Train(
            model,
            s_examples,
            new FineTuningOptions
            {
                Steps = 150,
                BatchSize = 10,
                LearningRate = 0.02f,
                Schedule = Schedule.Cosine,
            }
        );

        Assert.InRange(step.Loss(s_examples), 0, 0.01);
    }

    [Fact]
    public void An_update_allocates_nothing_once_one_of_its_size_has_been_seen()
    {
        using var model = TinyModels.Create(TransformerFamily.Gpt2, tied: true);
        using var adapter = Adapter.Create(model, new AdapterOptions { Rank = 2 }, 1);
        adapter.Attach();
        adapter.Train(true);
        using var step = new FineTuningStep(model, _compute, new FineTuningOptions { Steps = 1, TokensAtOnce = 60 });
        using var optimizer = new ParameterOptimizer(adapter.Parameters, _compute, new AdamW());
        Update(50);

        var before = GC.GetAllocatedBytesForCurrentThread();
        Update(50);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Update(int times)
        {
            for (var i = 0; i < times; i++)
            {
                step.AddGradient(s_examples);
                optimizer.Step(1e-3f, clipNorm: 1);
            }
        }
    }

    [Fact]
    public async Task Learning_lowers_the_loss_of_what_is_learned_and_only_a_weighted_example_is()
    {
        using var model = TinyModels.Create(TransformerFamily.Llama, tied: true);
        using var adapter = Adapter.Create(model, new AdapterOptions { Rank = 4, Alpha = 8 }, 1);
        adapter.Attach();
        adapter.Train(true);
        TokenExample good = new([1, 2, 3, 4, 5, 6, 7, 8], 1),
            bad = new([1, 9, 8, 7, 6, 5, 4, 3], 1);
        var weights = RewardWeights.Softmax([1, -1], 0.2f);
        Assert.Equal(2, weights.Sum(), 1e-5);
        Assert.InRange(weights[1], 0, 0.001f);
        using var step = new FineTuningStep(model, _compute, new FineTuningOptions { Steps = 1 });
        var (goodBefore, badBefore) = (step.Loss([good]), step.Loss([bad]));

        await FineTuningLoop.TrainAsync(
            model,
            adapter.Parameters,
            _compute,
            [good with { Weight = weights[0] }, bad with { Weight = weights[1] }],
            [],
            new FineTuningOptions
            {
                Steps = 60,
                BatchSize = 2,
                LearningRate = 0.01f,
            },
            null,
            false,
            TimeProvider.System,
            null,
            CancellationToken.None
        );

        Assert.InRange(step.Loss([good]), 0, 0.2 * goodBefore);
        Assert.True(step.Loss([bad]) > 0.8 * badBefore);
    }

    [Fact]
    public void Rewards_weigh_examples_and_some_without_are_refused()
    {
        TokenExample good = new([1, 2], 1, 2, 1),
            bad = new([1, 3], 1, 1, -1),
            none = new([1, 4], 1);

        var weighed = RewardWeights.Apply([good, bad], 2);

        // e^(1/2) to e^(−1/2), with mean 1, and the first counts twice.
        Assert.Equal(4 / (1 + Math.Exp(-1)), weighed[0].Weight, 1e-5);
        Assert.Equal(2 / (1 + Math.Exp(1)), weighed[1].Weight, 1e-5);
        Assert.Equal([none], RewardWeights.Apply([none], 1));
        Assert.Contains(
            "Of 2 examples 1 have no reward",
            Assert.Throws<ArgumentException>(() => RewardWeights.Apply([good, none], 1)).Message,
            StringComparison.Ordinal
        );
        Assert.Throws<ArgumentException>(() => RewardWeights.Apply([good, bad], 0));
    }

    [Theory]
    [InlineData(Schedule.Constant, 0.25f, 1, 1, 1)]
    [InlineData(Schedule.Linear, 0.25f, 1, 0.5f, 0.125f)]
    [InlineData(Schedule.Cosine, 0.25f, 1, 0.5f, 0.0380602f)]
    public void Schedules_rise_and_fall_as_they_say(Schedule schedule, float first, float warm, float middle, float last)
    {
        Close.All(
            [first, warm, middle, last],
            [schedule.At(0, 12, 4), schedule.At(3, 12, 4), schedule.At(8, 12, 4), schedule.At(11, 12, 4)],
            1e-6
        );
    }

    [Fact]
    public void Rows_become_examples_of_which_the_completion_is_learned()
    {
        var tokenizer = TinyLanguage.Tokenizer;
        var end = tokenizer.EosIds[0];
        var path = _folder.File("rows.jsonl");
        File.WriteAllText(
            path,
            """
            {"prompt": "the cat", "completion": " sat"}

            {"text": "the dog", "weight": 2.5, "reward": -0.5}
            """
        );

        var rows = new ExampleReader(tokenizer, 64).Read(path);

        Assert.Equal([.. tokenizer.Encode("the cat"), .. tokenizer.Encode(" sat"), end], rows[0].Tokens);
        Assert.Equal((tokenizer.Encode("the cat").Length, 1f), (rows[0].LearnFrom, rows[0].Weight));
        Assert.Equal([.. tokenizer.Encode("the dog"), end], rows[1].Tokens);
        Assert.Equal((1, 2.5f, -0.5f), (rows[1].LearnFrom, rows[1].Weight, rows[1].Reward));

        var text = _folder.File("text.md");
        File.WriteAllText(text, string.Concat(Enumerable.Repeat("the cat sat on the mat ", 20)));
        var windows = new ExampleReader(tokenizer, 16).Read(text);
        Assert.Equal([.. tokenizer.Encode(File.ReadAllText(text)), end], windows.SelectMany(window => window.Tokens));
        Assert.All(windows, window => Assert.InRange(window.Tokens.Length, 2, 16));
    }

    [Fact]
    public void Of_messages_the_last_is_learned_as_the_template_writes_it()
    {
        var trained = Tokenizers.Training.BpeTrainer.Train(
            ["user assistant hello there"],
            new Tokenizers.Training.BpeTrainerOptions { VocabularySize = 262 }
        );
        var config =
            trained.Config.TrimEnd().TrimEnd('}')
            + """, "chat_template": "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}" }""";
        var tokenizer = Tokenizer.Parse(trained.Json, config);
        var path = _folder.File("chat.jsonl");
        File.WriteAllText(path, """{"messages": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "there"}]}""");

        var row = new ExampleReader(tokenizer, 64).Read(path).Single();

        Assert.Equal("<user>hello\n<assistant>", tokenizer.Decode(row.Tokens[..row.LearnFrom]));
        Assert.Equal("there\n", tokenizer.Decode(row.Tokens[row.LearnFrom..]));
    }

    [Theory]
    [InlineData("""{"prompt": "a"}""", "it has: prompt")]
    [InlineData("""{"prompt": "a", "completion": 3}""", "'completion' must be a text")]
    [InlineData("""{"text": "the cat sat on the mat and on and on and on"}""", "at most 8 in all")]
    [InlineData("""{"text": "a", "weight": -1}""", "'weight' must be a number of 0 or more, but it is -1")]
    [InlineData("""{"text": "a", "reward": "good"}""", "'reward' must be a number, but it is \"good\"")]
    [InlineData("""{"messages": [{"role": "user"}]}""", "at least two")]
    [InlineData("[1]", "must be an object")]
    [InlineData("{", "not JSON")]
    public void A_row_that_cannot_be_learned_from_is_named_by_file_and_line(string row, string named)
    {
        var path = _folder.File("rows.jsonl");
        File.WriteAllText(path, "{\"text\": \"a\"}\n" + row);

        var message = Assert.Throws<InvalidDataException>(() => new ExampleReader(TinyLanguage.Tokenizer, 8).Read(path)).Message;

        Assert.StartsWith($"{path}, line 2: ", message, StringComparison.Ordinal);
        Assert.Contains(named, message, StringComparison.Ordinal);
    }

    private Task Train(
        Transformer model,
        IReadOnlyList<TokenExample> examples,
        FineTuningOptions options,
        Action<FineTuningEvent>? progress = null
    ) =>
        FineTuningLoop.TrainAsync(
            model,
            model.Parameters,
            _compute,
            examples,
            [],
            options,
            null,
            resume: false,
            TimeProvider.System,
            progress,
            CancellationToken.None
        );
}
