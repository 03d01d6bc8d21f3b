using AgentLightning.Models.Adapters;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Generation;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Objectives.Sequences;
using AgentLightning.Models.Tensors;
using AgentLightning.Testing;

namespace AgentLightning.Models.Tests;

/// <summary>
/// What a run of learning from rewards promises beside its score: the best weights, when it ends, what it leaves out, and what it says.
/// </summary>
public sealed class ReinforcementRunTests : IDisposable
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

    [Fact]
    public async Task A_run_that_gets_worse_stops_and_ends_with_its_best_weights_and_an_alarm()
    {
        using var model = Transformer.Create(ReverseDigits.Config, 1);
        model.Train(true);
        var policy = new LanguagePolicy(model, _compute);
        await TrainAsync(policy, ReverseDigitsOptions.FromNothing(ReinforcementMethod.Grpo, 1) with { StopAtAccuracy = 0.9 });
        var lines = new List<ReinforcementEvent>();

        // A learning rate that ruins what was learned.
        var options = ReverseDigitsOptions.FromNothing(ReinforcementMethod.Grpo, 1) with
        {
            Steps = 60,
            LearningRate = 0.5f,
            EvaluateEvery = 2,
            Patience = 4,
            StopAtAccuracy = null,
        };
        var result = await TrainAsync(policy, options, lines.Add);

        var accuracies = lines.Select(line => line.Find(ReinforcementEvent.Accuracy)).OfType<double>().ToList();
        Assert.Equal(accuracies.Max(), result.Accuracy);
        Assert.InRange(accuracies[^1], 0, result.Accuracy!.Value - 0.3);
        Assert.Equal((accuracies.IndexOf(accuracies.Max()) * 2) + 8, result.Steps);
        Assert.Equal(accuracies.IndexOf(accuracies.Max()) * 2, result.BestStep);
        var again = await ReinforcementLoop.EvaluateAsync(
            policy,
            ReverseDigits.Tasks(1).HeldOut,
            new ReverseDigits(),
            options,
            0,
            TimeProvider.System,
            Token
        );
        Assert.Equal(result.Accuracy, again.Count(attempt => attempt.Return(1) >= 1) / (double)again.Count);
        Assert.Contains(lines.SelectMany(line => line.Alarms ?? []), alarm =>
            alarm.Contains("Take easier or harder tasks", StringComparison.Ordinal)
        );
    }

    [Theory]
    [InlineData(ReinforcementMethod.Grpo)]
    [InlineData(ReinforcementMethod.Ppo)]
    [InlineData(ReinforcementMethod.Rloo)]
    public async Task Learning_from_a_log_of_the_same_policy_is_learning_from_its_own_attempts(ReinforcementMethod method)
    {
        var options = ReverseDigitsOptions.FromNothing(method, 1) with { Steps = 1, TasksPerStep = 4, Attempts = 8, KeepBest = false };
        IReadOnlyList<Attempt> attempts = [];
        using var own = Transformer.Create(ReverseDigits.Config, 1);
        own.Train(true);
        using var same = Transformer.Create(ReverseDigits.Config, 1);
        same.Train(true);

        await ReinforcementLoop.TrainAsync(
            new LanguagePolicy(own, _compute),
            ReverseDigits.Tasks(1).Tasks,
            [],
            new ReverseDigits(),
            options,
            null,
            false,
            TimeProvider.System,
            null,
            judged => attempts = judged,
            Token
        );
        await ReinforcementLoop.TrainOnLoggedAsync(
            new LanguagePolicy(same, _compute),
            attempts,
            [],
            new ReverseDigits(),
            options,
            null,
            false,
            TimeProvider.System,
            null,
            Token
        );

        // Groups come in another order, which only rounding can tell.
        Close.All(Weights(own), Weights(same), 1e-3);
        using var untouched = Transformer.Create(ReverseDigits.Config, 1);
        Assert.NotEqual(Weights(untouched), Weights(own));
    }

    [Fact]
    public async Task Attempts_that_outgrow_the_context_or_their_turns_are_counted_and_empty_ones_teach_nothing()
    {
        using var model = Transformer.Create(ReverseDigits.Config, 1);
        model.Train(true);
        var (tasks, _) = ReverseDigits.Tasks(1, 20);
        var options = new ReinforcementOptions
        {
            Steps = 1,
            MaxTokens = 1,
            MaxTurns = 2,
            TasksPerStep = 2,
            Attempts = 8,
            LearningRate = 0,
        };
        var lines = new List<ReinforcementEvent>();
        IReadOnlyList<Attempt> seen = [];

        // The first two answers of a group are told too much, the third is never done.
        await ReinforcementLoop.TrainAsync(
            new LanguagePolicy(model, _compute),
            tasks,
            [],
            new Talkative(),
            options,
            null,
            false,
            TimeProvider.System,
            lines.Add,
            attempts => seen = attempts,
            Token
        );

        Assert.Equal(6, lines[0].Find("failures"));
        Assert.Equal(
            4,
            seen.Count(attempt => attempt.Failure?.Contains("the context of 9 is too short", StringComparison.Ordinal) == true)
        );
        Assert.Equal(2, seen.Count(attempt => attempt.Failure?.Contains("not over after 2 turns", StringComparison.Ordinal) == true));
        Assert.Equal(10, lines[0].Find("learned_sequences"));

        lines.Clear();
        Attempt[] logged =
        [
            .. Enumerable
                .Range(0, 3)
                .Select(number =>
                {
                    var attempt = new Attempt(tasks[0], 0, number);
                    attempt.AddTurn(number == 0 ? [] : [number], number == 0 ? [] : [-1f], "", FinishReason.Stop);
                    attempt.Take(Turn.Last(number));
                    return attempt;
                }),
        ];
        await ReinforcementLoop.TrainOnLoggedAsync(
            new LanguagePolicy(model, _compute),
            logged,
            [],
            new Talkative(),
            options,
            null,
            false,
            TimeProvider.System,
            lines.Add,
            Token
        );
        Assert.Equal(2, lines[0].Find("learned_sequences"));
    }

    [Fact]
    public async Task A_checkpoint_that_is_cut_off_is_named_and_nothing_is_trained_on_it()
    {
        using var model = Transformer.Create(ReverseDigits.Config, 1);
        model.Train(true);
        var options = ReverseDigitsOptions.FromNothing(ReinforcementMethod.Grpo, 1) with { Steps = 2, TasksPerStep = 2, Attempts = 2 };
        var run = new RunFolder(_folder.File("run"));
        await TrainAsync(new LanguagePolicy(model, _compute), options, null, run);
        var path = _folder.File("run/checkpoint/state.safetensors");
        var whole = await File.ReadAllBytesAsync(path, Token);
        var before = Weights(model);

        foreach (var length in (int[])[0, 5, 200, whole.Length / 2, whole.Length - 1])
        {
            await File.WriteAllBytesAsync(path, whole[..length], Token);
            var error = await Assert.ThrowsAsync<InvalidDataException>(() =>
                TrainAsync(new LanguagePolicy(model, _compute), options with { Steps = 3 }, null, run)
            );
            Assert.Contains("state.safetensors", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(before, Weights(model));
    }

    [Fact]
    public void A_reward_belongs_to_its_turn_and_later_ones_count_less()
    {
        var attempt = new Attempt(new RolloutTask("t", [1]), 0, 0);
        attempt.AddTurn([2, 3], [-1f, -1f], "", FinishReason.Stop);
        attempt.Take(new Turn(0.5, [7, 7]));
        attempt.AddTurn([4], [-1f], "", FinishReason.Stop);
        attempt.Take(Turn.Last(2));
        var other = new Attempt(new RolloutTask("t", [1]), 0, 1);
        other.AddTurn([2], [-1f], "", FinishReason.Stop);
        other.Take(Turn.Last(1));
        var options = new ReinforcementOptions
        {
            Steps = 1,
            MaxTokens = 2,
            Discount = 0.5,
            Lambda = 1,
        };

        Assert.Equal((0.5 + (0.5 * 2), 1), (attempt.Return(0.5), other.Return(0.5)));
        // Of the whole attempt where attempts are compared: 1.5 against 1.
        Assert.Equal([0.25f, 0.25f, 0.25f, -0.25f], Advantages(options with { Method = ReinforcementMethod.DrGrpo }));
        // Token by token where they are not: 0.5·(0.5 + 0.5·2) = 0.75, 1.5, 2 and 1, scaled over the step.
        double[] toGo = [0.75, 1.5, 2, 1];
        var deviation = Math.Sqrt(toGo.Sum(value => Math.Pow(value - toGo.Average(), 2)) / 3);
        Close.All(
            [.. toGo.Select(value => (float)((value - toGo.Average()) / deviation))],
            Advantages(options with { Method = ReinforcementMethod.ReinforcePlusPlus }),
            1e-5
        );
        Close.All(
            Advantages(options with { Method = ReinforcementMethod.ReinforcePlusPlus }),
            Advantages(options with { Method = ReinforcementMethod.Ppo }),
            1e-5
        );

        float[] Advantages(ReinforcementOptions chosen) =>
            [
                .. AdvantageAssignment
                    .Of([new LearningSequence(attempt), new LearningSequence(other)], chosen)
                    .Sequences.SelectMany(sequence => sequence.Advantages),
            ];
    }

    [Fact]
    public async Task The_journal_says_how_far_the_policy_is_from_its_reference_beside_all_else()
    {
        using var model = Transformer.Create(ReverseDigits.Config, 1);
        using var adapter = Adapter.Create(model, new AdapterOptions { Rank = 4 }, 1);
        adapter.Attach();
        adapter.Train(true);
        var lines = new List<ReinforcementEvent>();

        await TrainAsync(
            new LanguagePolicy(model, _compute, adapter),
            ReverseDigitsOptions.FromNothing(ReinforcementMethod.Grpo, 1) with
            {
                Steps = 5,
                Beta = 0.01,
                LearningRate = 0.01f,
                PeakFlops = 1e11,
            },
            lines.Add
        );

        var steps = lines.Where(line => line.Find(ReinforcementEvent.Reward) is not null).ToList();
        Assert.Equal(0, steps[0].Find("kl")!.Value, 1e-6);
        Assert.Equal(1, steps[0].Find("ratio/mean")!.Value, 1e-4);
        Assert.InRange(steps[^1].Find("kl")!.Value, 1e-6, 10);
        string[] named =
        [
            "reward",
            "reward_std",
            "completions/mean_length",
            "kl",
            "entropy",
            "clip_ratio/region_mean",
            "frac_reward_zero_std",
            "grad_norm",
            "tokens_per_second",
            "share_of_peak",
            "learning_rate",
            "loss",
            "failures",
        ];
        Assert.All(steps, step => Assert.All(named, name => Assert.True(step.Find(name) is { } value && double.IsFinite(value), name)));
        Assert.Contains(lines, line => line.Find("held_out/accuracy") is not null);
    }

    private static Task<ReinforcementResult> TrainAsync(
        LanguagePolicy policy,
        ReinforcementOptions options,
        Action<ReinforcementEvent>? progress = null,
        RunFolder? run = null
    )
    {
        var (tasks, heldOut) = ReverseDigits.Tasks(options.Seed);
        return ReinforcementLoop.TrainAsync(
            policy,
            tasks,
            heldOut,
            new ReverseDigits(),
            options,
            run,
            true,
            TimeProvider.System,
            progress,
            null,
            Token
        );
    }

    private static float[] Weights(Transformer model) =>
        [
            .. model.Parameters.SelectMany(parameter =>
            {
                var values = new float[parameter.Count];
                parameter.Read(0, values);
                return values;
            }),
        ];

    private sealed class Talkative : IEnvironment
    {
        public ValueTask<Turn> StepAsync(Attempt attempt, CancellationToken cancellationToken) =>
            ValueTask.FromResult(
                attempt.Number switch
                {
                    0 or 1 => new Turn(0, [1, 2, 3]),
                    2 => new Turn(0, [1]),
                    _ => Turn.Last(attempt.Number % 2),
                }
            );
    }
}
