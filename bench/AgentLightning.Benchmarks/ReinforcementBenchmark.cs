using AgentLightning.Models.Architectures;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Measurement;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Benchmarks;

/// <summary>
/// Learning from rewards end to end, and drawing and learning by themselves, as shares of the peak of matrix products measured in the same run; and two threads against one. The steps that
/// took least count, because other work on the machine only adds to them.
/// </summary>
internal static class ReinforcementBenchmark
{
    private const int Steps = 40;

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var figures = new List<Figure>();
        var rates = new double[2];
        foreach (var threads in new[] { 1, 2 })
        {
            using var compute = new Compute(threads);
            var lines = await TrainAsync(compute);
            var peak = ModelSpeed.Peak(compute, seconds: 0.5);
            double drawing = Fastest(lines, "timing_s/gen"), learning = Fastest(lines, "timing_s/update");
            double drawn = lines[^1].Find("flops/gen")!.Value, learned = lines[^1].Find("flops/update")!.Value;
            rates[threads - 1] = lines.Max(line => line.Find("tokens_per_second")!.Value);
            figures.Add(Share("end to end", (drawn + learned) / (drawing + learning)));
            figures.Add(Share("drawing", drawn / drawing));
            figures.Add(Share("learning", learned / learning));

            Figure Share(string phase, double rate) =>
                Figure.AtLeast("rl", $"{phase}, reverse4, 101 thousand weights, 16×16, {threads} threads: {rate / 1e9:F1} of {peak / 1e9:F0} GFLOP/s, {rates[threads - 1]:F0} tokens/s", rate / peak, "of peak", 1);
        }

        figures.Add(Figure.AtLeast("rl", "two threads against one", rates[1] / rates[0], "times", 1.8));
        return figures;
    }

    private static double Fastest(IEnumerable<ReinforcementEvent> lines, string name) => lines.Min(line => line.Find(name)!.Value);

    private static async Task<List<ReinforcementEvent>> TrainAsync(Compute compute)
    {
        using var model = Transformer.Create(ReverseDigits.LargerConfig, 1);
        model.Train(true);
        var lines = new List<ReinforcementEvent>();
        await ReinforcementLoop.TrainAsync(
            new LanguagePolicy(model, compute), ReverseDigits.Tasks(1).Tasks, [], new ReverseDigits(), ReverseDigitsOptions.FromNothingLarger(ReinforcementMethod.Grpo, 1) with { Steps = Steps }, null, false,
            TimeProvider.System, lines.Add, null, CancellationToken.None);
        return lines;
    }
}
