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

/// <summary>Learning from preferences between answers that a model gives equally often.</summary>
public sealed class PreferenceTests : IDisposable
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
    [InlineData(PreferenceKind.Sigmoid, 3e-4f, 0.69314718, 0.45)]
    [InlineData(PreferenceKind.Ipo, 1e-3f, 25, 5)]
    [InlineData(PreferenceKind.Hinge, 3e-4f, 1, 0.6)]
    [InlineData(PreferenceKind.Robust, 3e-4f, 0.69314718, 0.55)]
    [InlineData(PreferenceKind.ApoZero, 3e-4f, 1, 0.9)]
    public async Task The_loss_begins_where_it_must_and_falls_and_the_preferred_answers_win(
        PreferenceKind kind,
        float rate,
        double first,
        double last
    )
    {
        using var model = await MixedAnswers.ModelAsync();
        var lines = new List<ReinforcementEvent>();

        await PreferenceLoop.TrainAsync(
            new LanguagePolicy(model, _compute),
            MixedAnswers.Pairs(100, 900),
            MixedAnswers.Pairs(0, 100),
            new PreferenceOptions
            {
                Steps = 12,
                BatchSize = 64,
                LearningRate = rate,
                Schedule = Schedule.Constant,
                Loss = new PreferenceLoss(kind, Smoothing: kind == PreferenceKind.Robust ? 0.1 : 0),
            },
            null,
            false,
            TimeProvider.System,
            lines.Add,
            Token
        );

        var losses = lines.Select(line => line.Find("loss")).OfType<double>().ToList();
        Assert.Equal(first, losses[0], 1e-4 * first);
        // The robust loss has no lower bound at 0.
        Assert.InRange(losses[^1], -1, last);
        Assert.Equal(first, lines[0].Find("held_out/loss")!.Value, 1e-4 * first);
        Assert.InRange(lines[^1].Find("held_out/loss")!.Value, -1, last);
        Assert.Equal(0, lines[0].Find("held_out/rewards/margins")!.Value, 1e-5);
        Assert.InRange(lines[^1].Find("held_out/rewards/margins")!.Value, 0.3, 100);
        Assert.InRange(lines[^1].Find("held_out/rewards/accuracies")!.Value, 0.97, 1);
    }

    [Theory]
    [InlineData(PreferenceKind.Sigmoid, 3e-4f, 0.28, 1.2)]
    [InlineData(PreferenceKind.Ipo, 1e-3f, 0.63, 1.5)]
    public async Task Ten_updates_of_64_pairs_are_enough_to_tell_the_answers_apart(
        PreferenceKind kind,
        float rate,
        double loss,
        double margin
    )
    {
        using var model = await MixedAnswers.ModelAsync();
        var lines = new List<ReinforcementEvent>();

        await PreferenceLoop.TrainAsync(
            new LanguagePolicy(model, _compute),
            MixedAnswers.Pairs(100, 900),
            MixedAnswers.Pairs(0, 100),
            new PreferenceOptions
            {
                Steps = 10,
                BatchSize = 64,
                LearningRate = rate,
                Schedule = Schedule.Constant,
                Loss = new PreferenceLoss(kind),
            },
            null,
            false,
            TimeProvider.System,
            lines.Add,
            Token
        );

        var last = lines[^1];
        Assert.True(
            last.Find("held_out/loss") <= loss
                && last.Find("held_out/rewards/margins") >= margin
                && last.Find("held_out/rewards/accuracies") >= 0.99,
            $"loss {last.Find("held_out/loss")}, margin {last.Find("held_out/rewards/margins")}, accuracy "
                + $"{last.Find("held_out/rewards/accuracies")}"
        );
    }

    [Fact]
    public async Task An_adapter_that_stops_and_goes_on_ends_bit_for_bit_where_one_that_does_not_stop_ends()
    {
        using var model = await MixedAnswers.ModelAsync();
        var whole = await RunAsync("whole", null);
        Assert.NotEqual(whole, await RunAsync("parts", 5));

        Assert.Equal(whole, await RunAsync("parts", null));

        async Task<float[]> RunAsync(string name, int? stopAt)
        {
            using var adapter = Adapter.Create(model, new AdapterOptions { Rank = 4 }, 1);
            adapter.Attach();
            adapter.Train(true);
            using var source = CancellationTokenSource.CreateLinkedTokenSource(Token);
            var training = PreferenceLoop.TrainAsync(
                new LanguagePolicy(model, _compute, adapter),
                MixedAnswers.Pairs(0, 30),
                [],
                new PreferenceOptions
                {
                    Steps = 8,
                    BatchSize = 4,
                    LearningRate = 0.01f,
                    SaveEvery = 3,
                    TokensAtOnce = 50,
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
    public async Task Pairs_that_cannot_be_learned_are_refused()
    {
        using var model = Transformer.Create(ReverseDigits.Config, 1);
        model.Train(true);

        Assert.Contains("no pairs", await RefusedAsync([]), StringComparison.Ordinal);
        Assert.Contains("an answer of 0", await RefusedAsync([new([1], [], [2])]), StringComparison.Ordinal);
        Assert.Contains("at most 9", await RefusedAsync([new([1], [2], new int[9])]), StringComparison.Ordinal);

        async Task<string> RefusedAsync(IReadOnlyList<PreferencePair> pairs) =>
            (
                await Assert.ThrowsAsync<ArgumentException>(() =>
                    PreferenceLoop.TrainAsync(
                        new LanguagePolicy(model, _compute),
                        pairs,
                        [],
                        new PreferenceOptions { Steps = 1 },
                        null,
                        false,
                        TimeProvider.System,
                        null,
                        Token
                    )
                )
            ).Message;
    }
}
