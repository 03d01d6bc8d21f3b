using AgentLightning.Models.Adapters;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Generation;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Loops.Preferences;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Tensors;
using AgentLightning.Testing;

namespace AgentLightning.Models.Tests;

/// <summary>
/// Learning from rewards with language models: real runs on a small task, runs that stop and go on, and what must not teach.
/// </summary>
public sealed class ReinforcementTests : IDisposable
{
    // Test classes run side by side: one thread each keeps every core busy, and none waits for another.
    private readonly Compute _compute = new(1);
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _compute.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(ReinforcementMethod.Grpo, 1)]
    [InlineData(ReinforcementMethod.Grpo, 2)]
    [InlineData(ReinforcementMethod.Grpo, 3)]
    [InlineData(ReinforcementMethod.DrGrpo, 1)]
    [InlineData(ReinforcementMethod.Rloo, 1)]
    [InlineData(ReinforcementMethod.Ppo, 1)]
    [InlineData(ReinforcementMethod.Dapo, 1)]
    [InlineData(ReinforcementMethod.Bnpo, 1)]
    [InlineData(ReinforcementMethod.Cispo, 1)]
    [InlineData(ReinforcementMethod.Gspo, 1)]
    [InlineData(ReinforcementMethod.ReinforcePlusPlus, 1)]
    public async Task A_random_model_learns_to_reverse_digits_from_rewards_alone(ReinforcementMethod method, long seed)
    {
        using var model = Transformer.Create(ReverseDigits.Config, seed);
        model.Train(true);

        var result = await TrainAsync(
            new LanguagePolicy(model, _compute),
            new ReverseDigits(),
            ReverseDigitsOptions.FromNothing(method, seed)
        );

        Assert.InRange(result.Accuracy!.Value, 0.99, 1);
    }

    [Fact]
    public async Task Several_updates_on_the_same_attempts_need_fewer_attempts()
    {
        using var model = Transformer.Create(ReverseDigits.Config, 1);
        model.Train(true);

        var result = await TrainAsync(
            new LanguagePolicy(model, _compute),
            new ReverseDigits(),
            ReverseDigitsOptions.FromNothing(ReinforcementMethod.Grpo, 1) with
            {
                Epochs = 4,
                Updates = 2,
                Steps = 60,
            }
        );

        Assert.InRange(result.Accuracy!.Value, 0.99, 1);
    }

    [Fact]
    public async Task An_adapter_learns_which_of_two_answers_is_rewarded_and_leaves_the_model_as_it_was()
    {
        using var model = await MixedAnswers.ModelAsync();
        var before = Weights(model.Parameters);
        using var adapter = Adapter.Create(model, new AdapterOptions { Rank = 8, Alpha = 16 }, 1);
        adapter.Attach();
        adapter.Train(true);

        var result = await TrainAsync(
            new LanguagePolicy(model, _compute, adapter),
            new ReverseDigits(shift: 1),
            ReverseDigitsOptions.FromAnotherShift(ReinforcementMethod.Grpo, 1) with
            {
                TasksPerStep = 16,
            }
        );

        Assert.InRange(result.Accuracy!.Value, 0.99, 1);
        Assert.Equal(before, Weights(model.Parameters));
    }

    [Fact]
    public async Task What_another_policy_did_teaches_with_the_probabilities_it_did_it_with()
    {
        // Half of the digits are right, and the others are drawn at random; one answer in eleven is right as a whole.
        var random = new SeededRandom(9);
        var (tasks, heldOut) = ReverseDigits.Tasks(1, 200);
        var environment = new ReverseDigits();
        var logged = new List<Attempt>();
        for (var group = 0; group < 1500; group++)
        {
            for (var number = 0; number < 8; number++)
            {
                var attempt = new Attempt(tasks[group], group, number);
                int[] answer =
                [
                    .. Enumerable.Range(0, 4).Select(i => random.NextInt(2) == 0 ? tasks[group].Prompt[3 - i] : random.NextInt(11)),
                ];
                attempt.AddTurn(
                    answer,
                    [.. answer.Select((digit, i) => MathF.Log((digit == tasks[group].Prompt[3 - i] ? 0.5f : 0) + (0.5f / 11)))],
                    "",
                    FinishReason.Length
                );
                attempt.Take(await environment.StepAsync(attempt, Token));
                logged.Add(attempt);
            }
        }

        using var model = Transformer.Create(ReverseDigits.LargerConfig, 1);
        model.Train(true);
        var options = ReverseDigitsOptions.FromNothingLarger(ReinforcementMethod.Grpo, 1) with
        {
            Steps = 250,
            TasksPerStep = 32,
            ClipHigh = 5,
        };

        var result = await ReinforcementLoop.TrainOnLoggedAsync(
            new LanguagePolicy(model, _compute),
            logged,
            heldOut,
            environment,
            options,
            null,
            false,
            TimeProvider.System,
            null,
            Token
        );

        Assert.InRange(result.Accuracy!.Value, 0.9, 1);
        var broken = new Attempt(tasks[0], 0, 0);
        broken.AddTurn([1], [0.5f], "", FinishReason.Length);
        broken.Take(Turn.Last(1));
        var error = await Assert.ThrowsAsync<ArgumentException>(() =>
            ReinforcementLoop.TrainOnLoggedAsync(
                new LanguagePolicy(model, _compute),
                [broken],
                [],
                environment,
                options,
                null,
                false,
                TimeProvider.System,
                null,
                Token
            )
        );
        Assert.Contains("at most 0", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_learning_rate_nothing_changes()
    {
        using var model = Transformer.Create(ReverseDigits.Config, 1);
        model.Train(true);
        var before = Weights(model.Parameters);

        await TrainAsync(
            new LanguagePolicy(model, _compute),
            new ReverseDigits(),
            ReverseDigitsOptions.FromNothing(ReinforcementMethod.Grpo, 1) with
            {
                Steps = 5,
                LearningRate = 0,
            }
        );

        Assert.Equal(before, Weights(model.Parameters));
    }

    [Fact]
    public async Task Rewards_that_have_nothing_to_do_with_the_answer_teach_nothing()
    {
        using var model = Transformer.Create(ReverseDigits.Config, 1);
        model.Train(true);

        var result = await TrainAsync(
            new LanguagePolicy(model, _compute),
            new Blind(ReverseDigits.Tasks(1).HeldOut),
            ReverseDigitsOptions.FromNothing(ReinforcementMethod.Grpo, 1) with
            {
                Steps = 150,
            }
        );

        Assert.InRange(result.Accuracy!.Value, 0, 0.05);
    }

    [Theory]
    [InlineData(ReinforcementMethod.Grpo, true)]
    [InlineData(ReinforcementMethod.Ppo, false)]
    public async Task A_run_that_stops_and_goes_on_ends_bit_for_bit_where_one_that_does_not_stop_ends(ReinforcementMethod method, bool lora)
    {
        var whole = await RunAsync("whole", null);
        var stopped = await RunAsync("parts", 8);
        Assert.NotEqual(whole.Weights, stopped.Weights);
        var resumed = await RunAsync("parts", null);
        var again = await RunAsync("parts", null);

        Assert.Equal(whole.Weights, resumed.Weights);
        Assert.Equal(whole.Weights, again.Weights);
        Assert.Equal(whole.Journal, resumed.Journal);

        async Task<(float[] Weights, string[] Journal)> RunAsync(string name, int? stopAt)
        {
            using var model = Transformer.Create(ReverseDigits.Config, 1);
            using var adapter = Adapter.Create(model, new AdapterOptions { Rank = 4 }, 1);
            if (lora)
            {
                adapter.Attach();
                adapter.Train(true);
            }
            else
            {
                model.Train(true);
            }

            var policy = new LanguagePolicy(model, _compute, lora ? adapter : null);
            var options = ReverseDigitsOptions.FromNothing(method, 1) with
            {
                Steps = 12,
                TasksPerStep = 4,
                Attempts = 4,
                Epochs = 2,
                SaveEvery = 3,
                EvaluateEvery = 2,
                Schedule = Schedule.Cosine,
                Beta = lora ? 0.05 : 0,
                KeepBest = lora,
            };
            var run = new RunFolder(_folder.File(name));
            var (tasks, heldOut) = ReverseDigits.Tasks(1, 50);
            using var source = CancellationTokenSource.CreateLinkedTokenSource(Token);
            var training = ReinforcementLoop.TrainAsync(
                policy,
                tasks,
                heldOut,
                new ReverseDigits(),
                options,
                run,
                resume: true,
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
            if (stopAt is null)
            {
                await training;
            }
            else
            {
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => training);
            }

            // Times differ.
            return (
                Weights(policy.Parameters),
                [
                    .. run.ReadJournal<ReinforcementEvent>()
                        .Select(line =>
                            $"{line.Step} {string.Join(' ', line.Metrics.Where(metric => !metric.Key.Contains("_s", StringComparison.Ordinal)))}"
                        ),
                ]
            );
        }
    }

    [Fact]
    public async Task One_run_at_a_time_uses_a_folder_and_a_run_does_not_go_on_as_another()
    {
        using var model = Transformer.Create(ReverseDigits.Config, 1);
        model.Train(true);
        var (tasks, heldOut) = ReverseDigits.Tasks(1, 20);
        var options = ReverseDigitsOptions.FromNothing(ReinforcementMethod.Grpo, 1) with { Steps = 2, TasksPerStep = 2, Attempts = 2 };
        var run = new RunFolder(_folder.File("run"));
        string? second = null;

        await ReinforcementLoop.TrainAsync(
            new LanguagePolicy(model, _compute),
            tasks,
            heldOut,
            new ReverseDigits(),
            options,
            run,
            true,
            TimeProvider.System,
            line => second ??= Assert.Throws<InvalidDataException>(() => run.Take()).Message,
            null,
            Token
        );

        Assert.Contains("another run is going on", second, StringComparison.Ordinal);
        var other = await Assert.ThrowsAsync<InvalidDataException>(() =>
            ReinforcementLoop.TrainAsync(
                new LanguagePolicy(model, _compute),
                tasks,
                heldOut,
                new ReverseDigits(),
                options with
                {
                    LearningRate = 0.1f,
                },
                run,
                true,
                TimeProvider.System,
                null,
                null,
                Token
            )
        );
        Assert.Contains("fingerprint", other.Message, StringComparison.Ordinal);
        await File.AppendAllTextAsync(_folder.File("run/journal.jsonl"), "{\"step\":", Token);
        await ReinforcementLoop.TrainAsync(
            new LanguagePolicy(model, _compute),
            tasks,
            heldOut,
            new ReverseDigits(),
            options,
            run,
            true,
            TimeProvider.System,
            null,
            null,
            Token
        );
        Assert.Equal([0, 1, 2, 2], run.ReadJournal<ReinforcementEvent>().Select(line => line.Step));
    }

    [Fact]
    public async Task Attempts_whose_judge_throws_hangs_or_gives_no_number_are_counted_and_not_learned_from()
    {
        using var model = Transformer.Create(ReverseDigits.Config, 1);
        model.Train(true);
        var (tasks, _) = ReverseDigits.Tasks(1, 20);
        var options = ReverseDigitsOptions.FromNothing(ReinforcementMethod.Grpo, 1) with
        {
            Steps = 1,
            TasksPerStep = 2,
            Attempts = 8,
            JudgeTimeout = TimeSpan.FromMilliseconds(200),
        };
        var lines = new List<ReinforcementEvent>();
        IReadOnlyList<Attempt> seen = [];

        await ReinforcementLoop.TrainAsync(
            new LanguagePolicy(model, _compute),
            tasks,
            [],
            new Unreliable(),
            options,
            null,
            false,
            TimeProvider.System,
            lines.Add,
            attempts => seen = attempts,
            Token
        );

        Assert.Equal(8, lines.Single().Find("failures"));
        Assert.Contains("Of 16 attempts 8 failed", Assert.Single(lines.Single().Alarms!), StringComparison.Ordinal);
        Assert.Equal(8, lines.Single().Find("learned_sequences"));
        Assert.Contains(seen, attempt => attempt.Failure?.Contains("no verdict", StringComparison.Ordinal) == true);
        Assert.Contains(seen, attempt => attempt.Failure?.Contains("not judged within 0.2 seconds", StringComparison.Ordinal) == true);
        Assert.Contains(seen, attempt => attempt.Failure?.Contains("is NaN", StringComparison.Ordinal) == true);
        Assert.Contains(seen, attempt => attempt.Failure?.Contains("Infinity", StringComparison.Ordinal) == true);
        var stopped = await Assert.ThrowsAsync<InvalidDataException>(() =>
            ReinforcementLoop.TrainAsync(
                new LanguagePolicy(model, _compute),
                tasks,
                [],
                new Unreliable(),
                options with
                {
                    MaxFailureShare = 0.2,
                },
                null,
                false,
                TimeProvider.System,
                null,
                null,
                Token
            )
        );
        Assert.Contains("Of 16 attempts 8 failed", stopped.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_and_tasks_that_cannot_work_are_refused_before_anything_is_done()
    {
        using var model = Transformer.Create(ReverseDigits.Config, 1);
        model.Train(true);
        var (tasks, _) = ReverseDigits.Tasks(1, 20);
        var options = ReverseDigitsOptions.FromNothing(ReinforcementMethod.Grpo, 1);

        Assert.Contains(
            "at least 2 with this method, but it is 1",
            await RefusedAsync(options with { Attempts = 1 }, tasks),
            StringComparison.Ordinal
        );
        Assert.Contains("longest context", await RefusedAsync(options with { MaxTokens = 5 }, tasks), StringComparison.Ordinal);
        Assert.Contains("no tasks", await RefusedAsync(options, []), StringComparison.Ordinal);
        Assert.Contains("'x'", await RefusedAsync(options, [new RolloutTask("x", [])]), StringComparison.Ordinal);
        Assert.Contains("needs one", await RefusedAsync(options with { Beta = 0.1 }, tasks), StringComparison.Ordinal);

        async Task<string> RefusedAsync(ReinforcementOptions wrong, IReadOnlyList<RolloutTask> given) =>
            (
                await Assert.ThrowsAsync<ArgumentException>(() =>
                    ReinforcementLoop.TrainAsync(
                        new LanguagePolicy(model, _compute),
                        given,
                        [],
                        new ReverseDigits(),
                        wrong,
                        null,
                        false,
                        TimeProvider.System,
                        null,
                        null,
                        Token
                    )
                )
            ).Message;
    }

    [Fact]
    public async Task What_the_machine_cannot_hold_is_refused_before_it_is_begun()
    {
        using var model = Transformer.Create(ReverseDigits.Config, 1);
        model.Train(true);
        var (tasks, _) = ReverseDigits.Tasks(1, 20);
        var options = ReverseDigitsOptions.FromNothing(ReinforcementMethod.Grpo, 1) with { Steps = 1, MemoryBytes = 3_000_000 };

        var error = await Assert.ThrowsAsync<InvalidDataException>(() =>
            ReinforcementLoop.TrainAsync(
                new LanguagePolicy(model, _compute),
                tasks,
                [],
                new ReverseDigits(),
                options,
                new RunFolder(_folder.File("run")),
                false,
                TimeProvider.System,
                null,
                _ => Assert.Fail("an attempt was made"),
                Token
            )
        );

        Assert.Contains("Training 0.0 million parameters, 4096 tokens at once, would take 0.0", error.Message, StringComparison.Ordinal);
        Assert.Contains(
            "this process can have 0.003 GB. Compute fewer tokens at once, keep fewer activations (checkpointing), decode fewer "
                + "completions at once",
            error.Message,
            StringComparison.Ordinal
        );
        Assert.False(File.Exists(_folder.File("run/journal.jsonl")));
        await ReinforcementLoop.TrainAsync(
            new LanguagePolicy(model, _compute),
            tasks,
            [],
            new ReverseDigits(),
            options with
            {
                TokensAtOnce = 64,
                CompletionsAtOnce = 16,
                Checkpointing = true,
            },
            null,
            false,
            TimeProvider.System,
            null,
            null,
            Token
        );
        var pairs = await Assert.ThrowsAsync<InvalidDataException>(() =>
            PreferenceLoop.TrainAsync(
                new LanguagePolicy(model, _compute),
                [new([1], [2], [3])],
                [],
                new PreferenceOptions { Steps = 1, MemoryBytes = 1000 },
                null,
                false,
                TimeProvider.System,
                null,
                Token
            )
        );
        Assert.Contains("shorten prompts and answers, or train an adapter", pairs.Message, StringComparison.Ordinal);
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

    private static Task<ReinforcementResult> TrainAsync(LanguagePolicy policy, IEnvironment environment, ReinforcementOptions options)
    {
        var (tasks, heldOut) = ReverseDigits.Tasks(options.Seed);
        return ReinforcementLoop.TrainAsync(
            policy,
            tasks,
            heldOut,
            environment,
            options,
            null,
            false,
            TimeProvider.System,
            null,
            null,
            Token
        );
    }

    /// <summary>Rewards attempts by chance, and judges held-out ones rightly.</summary>
    private sealed class Blind(IEnumerable<RolloutTask> heldOut) : IEnvironment
    {
        private readonly HashSet<string> _heldOut = [.. heldOut.Select(task => task.Id)];

        public ValueTask<Turn> StepAsync(Attempt attempt, CancellationToken cancellationToken) =>
            _heldOut.Contains(attempt.Task.Id)
                ? new ReverseDigits().StepAsync(attempt, cancellationToken)
                : ValueTask.FromResult(
                    Turn.Last(
                        new SeededRandom(attempt.Task.Prompt[0], attempt.Task.Prompt[1], attempt.Task.Prompt[2], attempt.Number).NextInt(5)
                            / 4.0
                    )
                );
    }

    private sealed class Unreliable : IEnvironment
    {
        public async ValueTask<Turn> StepAsync(Attempt attempt, CancellationToken cancellationToken)
        {
            switch (attempt.Number)
            {
                case 0:
                    throw new InvalidOperationException("no verdict");
                case 1:
                    await new TaskCompletionSource<Turn>().Task;
                    break;
                case 2:
                    return Turn.Last(double.NaN);
                case 3:
                    return Turn.Last(double.PositiveInfinity);
            }

            return Turn.Last(attempt.Number % 2);
        }
    }
}
