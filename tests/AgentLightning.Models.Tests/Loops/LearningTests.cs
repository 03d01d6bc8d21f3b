using AgentLightning.Models.Architectures;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Objectives;
using AgentLightning.Models.Objectives.Sequences;

namespace AgentLightning.Models.Tests;

public sealed class LearningTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Learning_from_labels_generalises_to_new_texts(long seed)
    {
        var (model, texts, labels, _) = Texts.Prepare(400, seed);
        var (newTexts, newLabels) = Texts.Make(400, seed + 100);

        Assert.InRange(Texts.Accuracy(model, newTexts, newLabels), 0.1, 0.4);
        SupervisedLoop.Train(model, texts, labels, new ClassifierTrainingOptions(), seed, null, Token);

        Assert.InRange(Texts.Accuracy(model, newTexts, newLabels), 0.97, 1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Learning_from_rewards_only_comes_close_to_learning_from_labels(long seed)
    {
        var (model, texts, labels, _) = Texts.Prepare(400, seed);
        var (newTexts, newLabels) = Texts.Make(400, seed + 100);

        await RewardLoop.TrainAsync(model, texts, [], Judge(labels), new RewardLoopOptions(), seed, null, Token);

        Assert.InRange(Texts.Accuracy(model, newTexts, newLabels), 0.95, 1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task The_plain_policy_gradient_learns_from_logged_and_fresh_answers(long seed)
    {
        var (model, texts, labels, _) = Texts.Prepare(400, seed);
        var (newTexts, newLabels) = Texts.Make(400, seed + 100);
        List<Sample> logged = [.. labels.Select((label, i) => new Sample(i, i % 4, i % 4 == label ? 1 : -1, MathF.Log(0.25f)))];

        await RewardLoop.TrainAsync(
            model,
            texts,
            logged,
            Judge(labels),
            new RewardLoopOptions { Objective = new PolicyGradient() },
            seed,
            null,
            Token
        );

        Assert.InRange(Texts.Accuracy(model, newTexts, newLabels), 0.95, 1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_classifier_learns_by_an_objective_of_language_models(long seed)
    {
        var (model, texts, labels, _) = Texts.Prepare(400, seed);
        var (newTexts, newLabels) = Texts.Make(400, seed + 100);

        await RewardLoop.TrainAsync(
            model,
            texts,
            [],
            Judge(labels),
            new RewardLoopOptions { Objective = new LabelObjective(new TruncatedWeightLoss(MostRatio: 1)) },
            seed,
            null,
            Token
        );

        Assert.InRange(Texts.Accuracy(model, newTexts, newLabels), 0.95, 1);
    }

    [Fact]
    public void An_objective_of_language_models_has_the_gradient_of_logits_that_the_same_objective_of_classifiers_has()
    {
        float[] logProbabilities = [MathF.Log(0.2f), MathF.Log(0.5f), MathF.Log(0.3f)];
        float[] expected = new float[3],
            actual = new float[3];
        foreach (var sample in new[] { new Sample(0, 1, 0.75f, MathF.Log(0.4f)), new Sample(0, 2, -1, MathF.Log(0.6f)) })
        {
            new PolicyGradient(Baseline: 0.25f, WeightLimit: 1, EntropyBonus: 0.1f).Evaluate(logProbabilities, sample, expected);
            new LabelObjective(new TruncatedWeightLoss(MostRatio: 1, EntropyBonus: 0.1), baseline: 0.25f).Evaluate(
                logProbabilities,
                sample,
                actual
            );

            Close.All(expected, actual, 1e-6);
        }
    }

    public static TheoryData<string, ISequenceObjective, double> Objectives =>
        new()
        {
            { "DPO", new PreferenceLoss(), Math.Log(2) },
            { "robust DPO", new PreferenceLoss(PreferenceKind.Robust, Smoothing: 0.1), Math.Log(2) },
            { "IPO", new PreferenceLoss(PreferenceKind.Ipo), 25 },
            { "hinge", new PreferenceLoss(PreferenceKind.Hinge), 1 },
            { "APO", new PreferenceLoss(PreferenceKind.ApoZero), 1 },
            { "KTO", new ProspectLoss(), 0.5 },
            { "GRPO near a reference", new GroupPolicyLoss(Beta: 0.04, EntropyBonus: 0.01), double.NaN },
            { "sequence ratio", new SequenceRatioLoss(), double.NaN },
            { "by example", new LikelihoodLoss(), double.NaN },
        };

    [Theory]
    [MemberData(nameof(Objectives))]
    public void A_classifier_has_the_gradient_of_every_objective_that_needs_no_values(
        string name,
        ISequenceObjective objective,
        double lossAtTheReference
    )
    {
        float[] logits = [0.3f, -0.4f, 0.9f, 0.1f];
        var labels = new LabelObjective(objective);
        var now = LogSoftmax(logits);
        if (!double.IsNaN(lossAtTheReference))
        {
            Assert.Equal(lossAtTheReference, labels.Evaluate(now, new Sample(0, 2, 1, now[2], now[2], 1, now[1]), new float[4]), 1e-5);
        }

        foreach (var sample in new[] { new Sample(0, 2, 1, -0.9f, -1.1f, 1, -1.7f), new Sample(0, 1, -0.5f, -2.2f, -1.3f, 3, -1.2f) })
        {
            var gradient = new float[4];
            labels.Evaluate(now, sample, gradient);
            for (var c = 0; c < logits.Length; c++)
            {
                const float Step = 1e-2f;
                var difference = (At(c, Step) - At(c, -Step)) / (2 * Step);
                Assert.True(
                    Math.Abs(difference - gradient[c]) <= 2e-3 * Math.Max(1, Math.Abs(difference)),
                    $"{name}, logit {c}: {gradient[c]} against {difference}"
                );
            }

            float At(int index, float by)
            {
                var moved = logits.ToArray();
                moved[index] += by;
                return labels.Evaluate(LogSoftmax(moved), sample, new float[4]);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_classifier_learns_from_preferences_between_labels(long seed)
    {
        var (model, texts, labels, _) = Texts.Prepare(400, seed);
        var (newTexts, newLabels) = Texts.Make(400, seed + 100);
        var trainer = new ClassifierTrainer(model, texts, new ClassifierTrainingOptions());
        var reference = MathF.Log(0.25f);
        Sample[] pairs =
        [
            .. labels.SelectMany(
                (label, text) =>
                    Enumerable
                        .Range(1, 3)
                        .Select(i => new Sample(text, label, Reference: reference, Other: (label + i) % 4, OtherReference: reference))
            ),
        ];

        for (var epoch = 0; epoch < 20; epoch++)
        {
            trainer.TrainEpoch(pairs, new LabelObjective(new PreferenceLoss()), 0.02f, 0.02f, Token);
        }

        Assert.InRange(Texts.Accuracy(model, newTexts, newLabels), 0.95, 1);
    }

    [Fact]
    public void What_a_classifier_cannot_be_told_is_refused()
    {
        var needsValues = Assert.Throws<ArgumentException>(() => new LabelObjective(new ActorCriticLoss()));
        var noOther = Assert.Throws<ArgumentException>(() =>
            new LabelObjective(new PreferenceLoss()).Evaluate([-0.7f, -0.7f], new Sample(0, 1), new float[2])
        );

        Assert.Contains("values", needsValues.Message, StringComparison.Ordinal);
        Assert.Contains("is preferred to -1; that must be another one from 0 to 1", noOther.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Logged_answers_alone_teach_when_everything_was_tried()
    {
        var (model, texts, labels, _) = Texts.Prepare(600);
        var (newTexts, newLabels) = Texts.Make(400, 77);
        List<Sample> logged = [.. labels.Select((label, i) => new Sample(i, i % 4, i % 4 == label ? 1 : -1, MathF.Log(0.25f)))];

        await RewardLoop.TrainAsync(model, texts, logged, null, new RewardLoopOptions(), 1, null, Token);

        Assert.InRange(Texts.Accuracy(model, newTexts, newLabels), 0.85, 1);
    }

    [Fact]
    public async Task Rewards_that_have_nothing_to_do_with_the_answers_teach_nothing()
    {
        var (model, texts, _, _) = Texts.Prepare(400);
        var (newTexts, newLabels) = Texts.Make(400, 77);
        var chance = new Random(4);

        await RewardLoop.TrainAsync(
            model,
            texts,
            [],
            (_, answers, _) => Task.FromResult<IReadOnlyList<float>>([.. answers.Select(_ => chance.Next(2) == 0 ? 1f : -1f)]),
            new RewardLoopOptions { Rounds = 4 },
            1,
            null,
            Token
        );

        Assert.InRange(Texts.Accuracy(model, newTexts, newLabels), 0.05, 0.45);
    }

    [Fact]
    public async Task The_judge_sees_answers_without_rewards_and_one_for_every_text_in_every_round()
    {
        var (model, texts, labels, _) = Texts.Prepare(50);
        var rounds = new List<int>();

        var learned = await RewardLoop.TrainAsync(
            model,
            texts,
            [],
            (round, answers, token) =>
            {
                rounds.Add(round);
                Assert.Equal(Enumerable.Range(0, 50), answers.Select(answer => answer.Text));
                Assert.All(answers, answer => Assert.InRange(answer.LogProbability, -30, 0));
                return Judge(labels)(round, answers, token);
            },
            new RewardLoopOptions { Rounds = 3 },
            1,
            null,
            Token
        );

        Assert.Equal([0, 1, 2], rounds);
        Assert.Equal(150, learned.Count);
    }

    [Theory]
    [InlineData(float.NaN, 0, "but one is NaN")]
    [InlineData(1.5f, 0, "but one is 1.5")]
    [InlineData(1f, 1, "each of 50 answers, but there are 49")]
    public async Task Rewards_that_cannot_be_are_refused(float reward, int missing, string message)
    {
        var (model, texts, _, _) = Texts.Prepare(50);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() =>
            RewardLoop.TrainAsync(
                model,
                texts,
                [],
                (_, answers, _) => Task.FromResult<IReadOnlyList<float>>([.. answers.Skip(missing).Select(_ => reward)]),
                new RewardLoopOptions(),
                1,
                null,
                Token
            )
        );

        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_seed_gives_the_same_model_to_the_last_bit_and_another_seed_another()
    {
        Assert.Equal(await TrainAsync(1), await TrainAsync(1));
        Assert.NotEqual(await TrainAsync(1), await TrainAsync(2));

        static async Task<float[]> TrainAsync(long seed)
        {
            var (model, texts, labels, _) = Texts.Prepare(200, 5);
            await RewardLoop.TrainAsync(
                model,
                texts,
                [],
                Judge(labels),
                new RewardLoopOptions { Rounds = 2 },
                seed,
                null,
                CancellationToken.None
            );
            return Texts.Parameters(model);
        }
    }

    [Fact]
    public void A_model_that_has_learned_nothing_finds_every_label_equally_likely()
    {
        var (model, _, _, texts) = Texts.Prepare(20);
        var scores = new float[4];

        model.Predict(texts[0], scores);

        Assert.All(scores, logP => Assert.Equal(Math.Log(0.25), logP, 1e-5));
    }

    [Fact]
    public void A_cancelled_training_stops_and_says_so()
    {
        var (model, texts, labels, _) = Texts.Prepare(200);
        using var cancel = new CancellationTokenSource();

        Assert.Throws<OperationCanceledException>(() =>
            SupervisedLoop.Train(model, texts, labels, new ClassifierTrainingOptions(), 1, _ => cancel.Cancel(), cancel.Token)
        );
    }

    [Fact]
    public void Prediction_allocates_nothing_after_its_first_call()
    {
        var (model, _, _, texts) = Texts.Prepare(50);
        var scores = new float[4];
        model.Predict(texts[0], scores);
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < 1_000; i++)
        {
            model.Predict(texts[i % texts.Length], scores);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100);
    }

    [Fact]
    public void An_encoded_text_is_read_as_the_text_itself()
    {
        var (model, encoded, labels, texts) = Texts.Prepare(60);
        SupervisedLoop.Train(model, encoded, labels, new ClassifierTrainingOptions { Epochs = 3 }, 1, null, Token);
        float[] fromText = new float[4],
            fromEncoded = new float[4];

        for (var i = 0; i < texts.Length; i++)
        {
            model.Predict(texts[i], fromText);
            model.Predict(encoded, i, fromEncoded);
            Assert.Equal(fromText.Select(x => (double)x), fromEncoded.Select(x => (double)x), (a, b) => Math.Abs(a - b) < 1e-4);
        }
    }

    [Fact]
    public void The_words_that_counted_are_named()
    {
        var (model, encoded, labels, _) = Texts.Prepare(400);
        SupervisedLoop.Train(model, encoded, labels, new ClassifierTrainingOptions(), 1, null, Token);

        var words = model.Explain("today we saw some copper there", Array.IndexOf(Texts.Labels, "metal"), 2);

        Assert.Equal("copper", words[0].Word);
    }

    [Theory]
    [InlineData(0, "Epochs")]
    [InlineData(1_001, "Epochs")]
    public void Options_out_of_range_are_named(int epochs, string name)
    {
        var (model, texts, labels, _) = Texts.Prepare(20);

        var error = Assert.Throws<ArgumentOutOfRangeException>(() =>
            SupervisedLoop.Train(model, texts, labels, new ClassifierTrainingOptions { Epochs = epochs }, 1, null, Token)
        );

        Assert.Contains($"{name} must be from 1 to 1,000, but it is {epochs}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_label_cannot_be_told_apart()
    {
        var error = Assert.Throws<ArgumentException>(() => TextClassifier.Create(new(), ["only"], ["text"], 16, 1));

        Assert.Contains("'only'", error.Message, StringComparison.Ordinal);
    }

    private static JudgeAnswers Judge(int[] labels) =>
        (_, answers, _) =>
            Task.FromResult<IReadOnlyList<float>>([.. answers.Select(answer => answer.Action == labels[answer.Text] ? 1f : -1f)]);

    private static float[] LogSoftmax(float[] logits)
    {
        var all = MathF.Log(logits.Sum(MathF.Exp));
        return Array.ConvertAll(logits, logit => logit - all);
    }
}
