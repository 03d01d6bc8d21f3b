using AgentLightning.Models.Architectures;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Objectives.Sequences;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Tests;

/// <summary>
/// What attempts have in common is computed once, and everything that comes of it is that of attempts computed one by one.
/// </summary>
public sealed class SharedPromptTests : IDisposable
{
    private readonly Compute _compute = new(2);

    public static TheoryData<TransformerFamily, bool> Families =>
        new()
        {
            { TransformerFamily.Gpt2, false },
            { TransformerFamily.Gpt2, true },
            { TransformerFamily.Llama, false },
            { TransformerFamily.Llama, true },
            { TransformerFamily.Qwen3, false },
            { TransformerFamily.Qwen3, true },
        };

    public void Dispose() => _compute.Dispose();

    [Theory]
    [MemberData(nameof(Families))]
    public void Losses_and_gradients_are_those_of_sequences_computed_one_by_one(TransformerFamily family, bool lora)
    {
        using var model = TinyModels.Create(family, tied: family == TransformerFamily.Qwen3);
        var adapters = lora ? TinyModels.AddAdapters(model, rank: 3) : [];
        using var head = Head(model);
        IReadOnlyList<Parameter> parameters = [.. lora ? adapters : model.Parameters, .. head.Parameters];
        var objective = new ActorCriticLoss(ValueClip: 100, ValueWeight: 0.5, EntropyBonus: 0.1, Clip: 0.9);
        // Prompts of one token and of more than a block; answers of one token, and of more than a block.
        var sequences = Sequences(
            (1, [1, 2, 5]),
            (7, [1, 1]),
            (31, [3, 40, 9, 33, 1]),
            (33, [12, 13, 14, 15, 16, 17, 70]),
            (45, [4]),
            (64, [32, 32, 31])
        );

        var expected = Learn(model, head, parameters, sequences, objective, 1, share: false, checkpointing: false);
        foreach (var (tokensAtOnce, checkpointing) in new[] { (100_000, false), (100_000, true), (300, false), (1, true) })
        {
            var actual = Learn(model, head, parameters, sequences, objective, tokensAtOnce, share: true, checkpointing);
            Assert.Equal(expected.Loss, actual.Loss, 1e-5 * Math.Abs(expected.Loss));
            Close.All(expected.Gradients, actual.Gradients, 1e-5, $"{tokensAtOnce} tokens at once");
            Close.All(expected.Scores, actual.Scores, 1e-5, "scores");
        }

        adapters.ForEach(parameter => parameter.Dispose());
    }

    [Fact]
    public void Only_rounding_depends_on_the_order_and_no_bit_on_threads_or_checkpoints()
    {
        var objective = new GroupPolicyLoss(EntropyBonus: 0.01);
        var sequences = Sequences((9, [3, 4, 30]), (40, [8, 8, 8, 8]));
        (double Loss, float[] Gradients, float[] Scores)? first = null;
        foreach (var (threads, checkpointing) in new[] { (1, false), (2, true), (3, false) })
        {
            using var compute = new Compute(threads);
            using var model = TinyModels.Create(TransformerFamily.Llama, tied: true);
            var result = Learn(model, null, model.Parameters, sequences, objective, 1000, share: true, checkpointing, compute);
            first ??= result;
            Assert.Equal(first.Value.Loss, result.Loss);
            Assert.Equal(first.Value.Gradients, result.Gradients);
            Assert.Equal(first.Value.Scores, result.Scores);
        }

        using var same = TinyModels.Create(TransformerFamily.Llama, tied: true);
        var mixed = sequences.ToArray();
        new SeededRandom(4).Shuffle<LearningSequence>(mixed);
        var other = Learn(same, null, same.Parameters, mixed, objective, 50, share: true, checkpointing: false);
        Assert.Equal(first!.Value.Loss, other.Loss, 1e-5 * Math.Abs(other.Loss));
        Close.All(first.Value.Gradients, other.Gradients, 1e-5);
    }

    [Fact]
    public void Every_sequence_is_planned_once_beside_those_with_its_prompt_and_common_tokens_count_once()
    {
        var sequences = Sequences((20, [4, 4, 4, 4, 4, 4, 4, 4]), (5, [3]), (9, [12, 12, 12]));

        var whole = new SequencePlan(sequences, 1000, sharePrompts: true);
        var cut = new SequencePlan(sequences, 30, sharePrompts: true);
        var apart = new SequencePlan(sequences, 1000, sharePrompts: false);

        // Nothing is asked after the last token, so it is not read.
        Assert.Equal(sequences.Sum(sequence => sequence.Tokens.Length - 1), apart.Part(0).ToArray().Sum(family => family.Tokens));
        Assert.Equal(Enumerable.Range(0, 12), Enumerable.Range(0, 12).Select(apart.IndexOf));
        Assert.Equal([7, 9 + (3 * 11), 20 + (8 * 3)], whole.Part(0).ToArray().Select(family => family.Tokens).Order());
        Assert.Equal(1, whole.Parts);
        Assert.True(cut.Parts > 2);
        foreach (var plan in new[] { whole, cut })
        {
            Assert.Equal(Enumerable.Range(0, 12), Enumerable.Range(0, 12).Select(plan.IndexOf).Order());
            for (var part = 0; part < plan.Parts; part++)
            {
                var families = plan.Part(part).ToArray();
                Assert.True(families.Sum(family => family.Tokens) <= (plan == cut ? 30 : 1000));
                Assert.All(families, family =>
                    Assert.All(Enumerable.Range(family.From, family.To - family.From), place =>
                        Assert.Equal(plan[family.From].Prompt, plan[place].Prompt)
                    )
                );
            }
        }
    }

    [Fact]
    public void A_pair_is_computed_together_and_its_prompt_once()
    {
        LearningSequence[] pairs =
        [
            .. new[] { (1, 5), (2, 6), (1, 7) }.SelectMany(pair =>
                new[] { Answer(pair.Item1, pair.Item2, isSecond: false), Answer(pair.Item1, pair.Item2 + 10, isSecond: true) }
            ),
        ];

        var plan = new SequencePlan(pairs, 8, sharePrompts: true);

        for (var place = 0; place < pairs.Length; place += 2)
        {
            Assert.Equal(plan.IndexOf(place) + 1, plan.IndexOf(place + 1));
            Assert.True(plan[place + 1].IsSecond);
        }

        Assert.All(Enumerable.Range(0, plan.Parts), part =>
            Assert.All(plan.Part(part).ToArray(), family => Assert.Equal((0, 3), ((family.To - family.From) % 2, family.Common)))
        );

        // Pairs need not have one prompt; then nothing is shared, and they stay together all the same.
        var different = new SequencePlan([Answer(1, 5, isSecond: false), Answer(2, 6, isSecond: true)], 1, sharePrompts: true);
        Assert.Equal([new SequencePlan.Family(0, 2, Common: 0, Whole: 8)], different.Part(0).ToArray());
        Assert.Equal(1, different.Parts);

        static LearningSequence Answer(int prompt, int answer, bool isSecond) =>
            new([prompt, prompt, prompt, answer, 1], [3, 4], new float[2]) { IsSecond = isSecond };
    }

    [Fact]
    public void Sequences_of_which_nothing_was_drawn_change_nothing()
    {
        using var model = TinyModels.Create(TransformerFamily.Gpt2, tied: true);
        var objective = new GroupPolicyLoss();
        var sequences = Sequences((6, [3, 4, 5]));
        LearningSequence nothing = new([1, 2, 3], [], []),
            neither = new([1, 2, 4], [], []);

        var expected = Learn(model, null, model.Parameters, sequences, objective, 100, share: true, checkpointing: false);
        var actual = Learn(
            model,
            null,
            model.Parameters,
            [nothing, .. sequences, neither],
            objective,
            100,
            share: true,
            checkpointing: false
        );
        var empty = Learn(model, null, model.Parameters, [nothing, neither], objective, 100, share: true, checkpointing: false);

        Assert.Equal(expected.Gradients, actual.Gradients);
        Assert.Equal(expected.Scores, actual.Scores);
        Assert.All(empty.Gradients, gradient => Assert.Equal(0, gradient));
        Assert.Empty(empty.Scores);
    }

    [Fact]
    public async Task A_run_learns_the_same_with_fewer_operations()
    {
        var options = ReverseDigitsOptions.FromNothing(ReinforcementMethod.Grpo, 1);
        // As long as rounding has not grown, the policies agree; it grows with every step.
        var (shared, sharedLines, _) = await TrainAsync(options with { Steps = 5, StopAtAccuracy = null });
        var (apart, apartLines, _) = await TrainAsync(options with { Steps = 5, StopAtAccuracy = null, SharePrompts = false });
        Close.All(apart, shared, 1e-3);
        foreach (var (one, other) in sharedLines.Zip(apartLines).Where(pair => pair.First.Find("loss") is not null))
        {
            Assert.Equal(other.Find("reward")!.Value, one.Find("reward")!.Value);
            Assert.Equal(other.Find("entropy")!.Value, one.Find("entropy")!.Value, 1e-3);
            Assert.InRange(one.Find("flops/update")!.Value / other.Find("flops/update")!.Value, 0.3, 0.6);
        }

        var (_, _, accuracy) = await TrainAsync(options with { SharePrompts = false });
        Assert.InRange(accuracy, 0.99, 1);

        async Task<(float[] LogProbabilities, List<ReinforcementEvent> Lines, double Accuracy)> TrainAsync(ReinforcementOptions chosen)
        {
            using var model = Transformer.Create(ReverseDigits.Config, 1);
            model.Train(true);
            var lines = new List<ReinforcementEvent>();
            var (tasks, heldOut) = ReverseDigits.Tasks(1);
            var result = await ReinforcementLoop.TrainAsync(
                new LanguagePolicy(model, _compute),
                tasks,
                heldOut,
                new ReverseDigits(),
                chosen,
                null,
                false,
                TimeProvider.System,
                lines.Add,
                null,
                TestContext.Current.CancellationToken
            );
            using var step = new PolicyStep(model, _compute, null, 1000, 1, checkpointing: false);
            var all = new List<float>();
            step.Score(
                [
                    .. heldOut
                        .Take(20)
                        .Select(task => new LearningSequence([.. task.Prompt, .. task.Prompt[..4]], [5, 6, 7, 8], new float[4])),
                ],
                (_, logProbabilities, _) => all.AddRange(logProbabilities)
            );
            return ([.. all], lines, result.Accuracy!.Value);
        }
    }

    private (double Loss, float[] Gradients, float[] Scores) Learn(
        Transformer model,
        ValueHead? head,
        IReadOnlyList<Parameter> parameters,
        IReadOnlyList<LearningSequence> sequences,
        ISequenceObjective objective,
        int tokensAtOnce,
        bool share,
        bool checkpointing,
        Compute? compute = null
    )
    {
        foreach (var parameter in parameters)
        {
            parameter.Train(false);
            parameter.Train(true);
        }

        using var step = new PolicyStep(model, compute ?? _compute, head, tokensAtOnce, 0.8f, checkpointing, share);
        var loss = step.AddGradient(sequences, objective, 20, new MetricSums());
        var scores = new List<float>();
        step.Score(sequences, (_, logProbabilities, values) => scores.AddRange([.. logProbabilities, .. values]));
        return (loss, [.. parameters.SelectMany(Golden.Gradient)], [.. scores]);
    }

    private static ValueHead Head(Transformer model)
    {
        var head = new ValueHead(model.Config);
        head.Parameters[0].Write(0, [.. Enumerable.Range(0, model.Config.Width).Select(i => 0.1f * MathF.Sin(i))]);
        return head;
    }

    /// <summary>Random answers of some lengths to random prompts, no two of which are the same, mixed.</summary>
    private static LearningSequence[] Sequences(params (int Prompt, int[] Answers)[] groups)
    {
        var random = new SeededRandom(5);
        var sequences = new List<LearningSequence>();
        foreach (var (length, answers) in groups)
        {
            int[] prompt = [.. Enumerable.Range(0, length).Select(_ => random.NextInt(41))];
            foreach (var answer in answers)
            {
                int[] tokens = [.. prompt, .. Enumerable.Range(0, answer).Select(_ => random.NextInt(41))];
                int[] drawn = [.. Enumerable.Range(length, answer).Where(t => t == length || t == tokens.Length - 1 || t % 5 != 0)];
                var sequence = new LearningSequence(tokens, drawn, [.. drawn.Select(_ => -3.7f + (0.2f * random.NextNormal()))]);
                Array.Fill(sequence.Advantages, random.NextNormal());
                for (var t = 0; t < drawn.Length; t++)
                {
                    (sequence.Values[t], sequence.Returns[t]) = (random.NextNormal(), random.NextNormal());
                }

                sequences.Add(sequence);
            }
        }

        var mixed = sequences.ToArray();
        new SeededRandom(6).Shuffle<LearningSequence>(mixed);
        return mixed;
    }
}
