using AgentLightning.Models.Adapters;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Loops.Preferences;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Objectives.Sequences;
using AgentLightning.Models.Tensors;
using AgentLightning.Testing;

namespace AgentLightning.Benchmarks;

/// <summary>
/// What learning reaches, over three seeds, of which the worst is shown: every method on reversed digits, an adapter on a shifted task, and
/// ten updates of preferences. The tests look at one seed of each.
/// </summary>
internal static class LearningBenchmark
{
    private static readonly long[] s_seeds = [1, 2, 3];

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        using var compute = new Compute(0);
        var figures = new List<Figure>();
        foreach (var method in Enum.GetValues<ReinforcementMethod>())
        {
            var worst = await WorstAsync(async seed =>
            {
                using var model = Transformer.Create(ReverseDigits.Config, seed);
                model.Train(true);
                return await TrainAsync(new LanguagePolicy(model, compute), 0, ReverseDigitsOptions.FromNothing(method, seed));
            });
            figures.Add(Figure.AtLeast("learn", $"{method}, reverse4, worst accuracy of three seeds", worst, "of 1", 0.99));
        }

        figures.Add(
            Figure.AtLeast(
                "learn",
                "an adapter on reverse4+1, worst accuracy of three seeds",
                await WorstAsync(seed => AdapterAsync(compute, seed)),
                "of 1",
                0.99
            )
        );
        foreach (var (kind, rate, limit) in new[] { (PreferenceKind.Sigmoid, 3e-4f, 0.28), (PreferenceKind.Ipo, 1e-3f, 0.63) })
        {
            var worst = -await WorstAsync(async seed => -await PreferAsync(compute, kind, rate, seed));
            figures.Add(
                Figure.AtMost("learn", $"{kind}, held-out loss after ten updates of 64 pairs, worst of three seeds", worst, "", limit)
            );
        }

        return figures;
    }

    private static async Task<double> WorstAsync(Func<long, Task<double>> run)
    {
        var worst = double.MaxValue;
        foreach (var seed in s_seeds)
        {
            worst = Math.Min(worst, await run(seed));
        }

        return worst;
    }

    private static async Task<double> TrainAsync(LanguagePolicy policy, int shift, ReinforcementOptions options)
    {
        var (tasks, heldOut) = ReverseDigits.Tasks(1);
        var result = await ReinforcementLoop.TrainAsync(
            policy,
            tasks,
            heldOut,
            new ReverseDigits(shift),
            options,
            null,
            false,
            TimeProvider.System,
            null,
            null,
            CancellationToken.None
        );
        return result.Accuracy!.Value;
    }

    private static async Task<double> AdapterAsync(Compute compute, long seed)
    {
        using var model = Transformer.Create(ReverseDigits.LargerConfig, seed);
        model.Train(true);
        var begin = ReverseDigitsOptions.FromNothingLarger(ReinforcementMethod.Grpo, seed);
        await TrainAsync(new LanguagePolicy(model, compute), 0, begin);
        using var adapter = Adapter.Create(model, new AdapterOptions { Rank = 8, Alpha = 16 }, seed);
        adapter.Attach();
        adapter.Train(true);
        var policy = new LanguagePolicy(model, compute, adapter);
        return await TrainAsync(policy, 1, ReverseDigitsOptions.FromAnotherShift(ReinforcementMethod.Grpo, seed));
    }

    private static async Task<double> PreferAsync(Compute compute, PreferenceKind kind, float rate, long seed)
    {
        using var model = await MixedAnswers.ModelAsync(seed);
        var loss = double.NaN;
        await PreferenceLoop.TrainAsync(
            new LanguagePolicy(model, compute),
            MixedAnswers.Pairs(100, 900),
            MixedAnswers.Pairs(0, 100),
            new PreferenceOptions
            {
                Steps = 10,
                BatchSize = 64,
                LearningRate = rate,
                Schedule = Schedule.Constant,
                Loss = new PreferenceLoss(kind),
                Seed = seed,
            },
            null,
            false,
            TimeProvider.System,
            line => loss = line.Find("held_out/loss") ?? loss,
            CancellationToken.None
        );
        return loss;
    }
}
