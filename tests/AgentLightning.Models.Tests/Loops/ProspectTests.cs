using AgentLightning.Models.Adapters;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Loops.Preferences;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Objectives.Sequences;
using AgentLightning.Models.Tensors;
using AgentLightning.Testing;

namespace AgentLightning.Models.Tests;

/// <summary>Learning from answers that were liked or not, each by itself.</summary>
public sealed class ProspectTests : IDisposable
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
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task The_loss_begins_at_a_half_and_falls_and_the_liked_answers_gain(long seed)
    {
        using var model = await MixedAnswers.ModelAsync();
        var lines = new List<ReinforcementEvent>();

        await ProspectLoop.TrainAsync(
            new LanguagePolicy(model, _compute),
            Answers(100, 900),
            Answers(0, 100),
            new ProspectOptions
            {
                Steps = 20,
                BatchSize = 64,
                LearningRate = 3e-4f,
                Schedule = Schedule.Constant,
                Seed = seed,
            },
            null,
            false,
            TimeProvider.System,
            lines.Add,
            Token
        );

        var losses = lines.Select(line => line.Find("loss")).OfType<double>().ToList();
        Assert.Equal(0.5, losses[0], 1e-5);
        Assert.Equal(0.5, lines[0].Find("held_out/loss")!.Value, 1e-5);
        Assert.Equal(0, lines[0].Find("held_out/kl")!.Value, 1e-5);
        Assert.InRange(lines[^1].Find("held_out/loss")!.Value, 0, 0.4);
        Assert.InRange(lines[^1].Find("held_out/rewards/chosen")!.Value - lines[^1].Find("held_out/rewards/rejected")!.Value, 0.4, 100);
        Assert.All(lines.Select(line => line.Find("kl")).OfType<double>(), kl => Assert.InRange(kl, 0, 100));
    }

    [Fact]
    public async Task The_reference_point_is_how_much_likelier_answers_to_other_prompts_have_become()
    {
        using var model = await MixedAnswers.ModelAsync();
        var lines = new List<ReinforcementEvent>();
        // Two answers to one prompt after each other: neither may be the other's mismatch.
        LabelledAnswer[] answers =
        [
            .. Answers(0, 8)
                .SelectMany(answer =>
                    new[] { answer, answer with { IsGood = !answer.IsGood, Completion = [.. answer.Completion.Reverse()] } }
                ),
        ];
        await ProspectLoop.TrainAsync(
            new LanguagePolicy(model, _compute),
            answers,
            answers,
            new ProspectOptions
            {
                Steps = 3,
                BatchSize = 16,
                LearningRate = 1e-2f,
                Schedule = Schedule.Constant,
            },
            null,
            false,
            TimeProvider.System,
            lines.Add,
            Token
        );
        using var before = await MixedAnswers.ModelAsync();

        var difference = answers
            .Select(
                (answer, i) =>
                {
                    var other = answers[((i - 1 - (i % 2)) + 16) % 16].Completion;
                    Assert.NotEqual(answer.Prompt, answers[((i - 1 - (i % 2)) + 16) % 16].Prompt);
                    return Score(model, answer.Prompt, other) - Score(before, answer.Prompt, other);
                }
            )
            .Average();

        Assert.Equal(Math.Max(0, difference), lines[^1].Find("held_out/kl")!.Value, 1e-3 + (1e-3 * Math.Abs(difference)));

        double Score(Transformer scored, int[] prompt, int[] answer)
        {
            using var step = new PolicyStep(scored, _compute, null, 100, 1, checkpointing: false);
            double sum = 0;
            step.Score([ComparisonItem.Sequence(prompt, answer)], (_, logProbabilities, _) => sum = logProbabilities.Sum());
            return sum;
        }
    }

    [Fact]
    public async Task An_adapter_that_stops_and_goes_on_ends_bit_for_bit_where_one_that_does_not_stop_ends()
    {
        using var model = await MixedAnswers.ModelAsync();
        var whole = await RunAsync("whole", null, 50);
        Assert.NotEqual(whole, await RunAsync("parts", 5, 50));

        Assert.Equal(whole, await RunAsync("parts", null, 50));
        // In other pieces, only the order of sums differs.
        var pieces = await RunAsync("pieces", null, 500);
        Close.All(whole, pieces, 1e-3);

        async Task<float[]> RunAsync(string name, int? stopAt, int tokensAtOnce)
        {
            using var adapter = Adapter.Create(model, new AdapterOptions { Rank = 4 }, 1);
            adapter.Attach();
            adapter.Train(true);
            using var source = CancellationTokenSource.CreateLinkedTokenSource(Token);
            var training = ProspectLoop.TrainAsync(
                new LanguagePolicy(model, _compute, adapter),
                Answers(0, 30),
                [],
                new ProspectOptions
                {
                    Steps = 8,
                    BatchSize = 4,
                    LearningRate = 1e-3f,
                    SaveEvery = 3,
                    TokensAtOnce = tokensAtOnce,
                },
                new RunFolder(_folder.File(name)),
                resume: true,
                TimeProvider.System,
                line =>
                {
                    if (line.Step == stopAt)
                    {
                        source.Cancel();
                    }
                },
                source.Token
            );
            await (stopAt is null ? training : Assert.ThrowsAnyAsync<OperationCanceledException>(() => training));
            return
            [
                .. adapter.Parameters.SelectMany(parameter =>
                {
                    var values = new float[parameter.Count];
                    parameter.Read(0, values);
                    return values;
                }),
            ];
        }
    }

    [Fact]
    public async Task Answers_that_cannot_be_compared_are_refused()
    {
        using var model = Transformer.Create(ReverseDigits.Config, 1);
        model.Train(true);
        var options = new ProspectOptions { Steps = 1 };

        Assert.Contains(
            "Of 2 answers 2 are good: there must be good ones and bad ones",
            await RefusedAsync([new([1], [2], true), new([2], [2], true)]),
            StringComparison.Ordinal
        );
        Assert.Contains("Of 0 answers 0 are good", await RefusedAsync([]), StringComparison.Ordinal);
        Assert.Contains(
            "there must be at least two prompts",
            await RefusedAsync([new([1], [2], true), new([1], [3], false)]),
            StringComparison.Ordinal
        );
        Assert.Contains("an answer of 0", await RefusedAsync([new([1], [], true), new([2], [2], false)]), StringComparison.Ordinal);
        Assert.Contains("at most 9", await RefusedAsync([new([1], [2], true), new([1], new int[9], false)]), StringComparison.Ordinal);
        options = options with { BatchSize = 1, Loss = new ProspectLoss(Beta: 0, BadWeight: 0) };
        var wrong = await RefusedAsync([new([1], [2], true), new([2], [2], false)]);
        Assert.Contains(
            "at least 2, because the reference point comes from answers to other prompts, but it is 1",
            wrong,
            StringComparison.Ordinal
        );
        Assert.Contains("β must be above 0", wrong, StringComparison.Ordinal);
        Assert.Contains("weight of bad answers must be above 0", wrong, StringComparison.Ordinal);

        async Task<string> RefusedAsync(IReadOnlyList<LabelledAnswer> answers) =>
            (
                await Assert.ThrowsAsync<ArgumentException>(() =>
                    ProspectLoop.TrainAsync(
                        new LanguagePolicy(model, _compute),
                        answers,
                        [],
                        options,
                        null,
                        false,
                        TimeProvider.System,
                        null,
                        Token
                    )
                )
            ).Message;
    }

    /// <summary>Raised digits are liked, plain ones not; one answer to a question.</summary>
    private static LabelledAnswer[] Answers(int from, int count) =>
        [
            .. ReverseDigits
                .Tasks(1)
                .Tasks.Skip(from)
                .Take(count)
                .Select(
                    (task, i) =>
                        new LabelledAnswer(task.Prompt, [.. task.Prompt[..4].Reverse().Select(digit => (digit + (i % 2)) % 10)], i % 2 == 1)
                ),
        ];
}
