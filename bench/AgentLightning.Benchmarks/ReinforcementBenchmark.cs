using AgentLightning.Models.Architectures;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Measurement;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Benchmarks;

/// <summary>
/// Learning from rewards end to end, and its phases by themselves, as shares of the peak of matrix products measured in the same run: a tiny model, whose steps are a few milliseconds of small
/// operations, and one of 10.7 million weights with long prompts. Then two threads against one, and shared prompts against prompts of one's own. The steps that took least count, because other
/// work on the machine only adds to them. Operations are those that were computed.
/// </summary>
internal static class ReinforcementBenchmark
{
    /// <summary>Of the larger model.</summary>
    private const int Prompt = 256, Answer = 32;

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var figures = new List<Figure>();
        var tiny = new double[2];
        foreach (var threads in new[] { 1, 2 })
        {
            using var compute = new Compute(threads);
            using var small = Transformer.Create(ReverseDigits.LargerConfig, 1);
            using var larger = Transformer.Create(TrainStepBenchmark.GptConfig(384, 6, 6, Prompt + Answer), 1);
            var options = ReverseDigitsOptions.FromNothingLarger(ReinforcementMethod.Grpo, 1) with { Steps = 40 };
            tiny[threads - 1] = await MeasureAsync("reverse4, 101 thousand weights, 16×16", small, ReverseDigits.Tasks(1).Tasks, new ReverseDigits(), options);
            await MeasureAsync($"10.7M, {Prompt} and {Answer} tokens, 4×16", larger, Prompts(), new Parity(), new ReinforcementOptions { Steps = 6, MaxTokens = Answer, TasksPerStep = 4, EvaluateEvery = 0 });

            async Task<double> MeasureAsync(string name, Transformer model, IReadOnlyList<RolloutTask> tasks, IEnvironment environment, ReinforcementOptions chosen)
            {
                model.Train(true);
                var lines = new List<(ReinforcementEvent Event, double Judging)>();
                var timed = new TimedEnvironment(environment);
                await ReinforcementLoop.TrainAsync(
                    new LanguagePolicy(model, compute), tasks, [], timed, chosen, null, false, TimeProvider.System, line => lines.Add((line, timed.Take())), null, CancellationToken.None);
                var peak = ModelSpeed.Peak(compute, seconds: 0.5);
                var (drawing, learning, all) = (Fastest("gen", Drawing), Fastest("update", Learning), Fastest("", line => Drawing(line) + line.Judging + Learning(line)));
                var judging = lines.Min(line => line.Judging);
                figures.Add(Figure.AtMost("rl", $"judging, {name}, {threads} threads: {judging * 1e3:F2} ms of a step of {all.Seconds * 1e3:F1} ms", judging / all.Seconds, "of a step", 0.1));
                var rate = lines.Max(line => line.Event.Find("tokens_per_second")!.Value);
                Share($"end to end, {rate:F0} tokens/s", all);
                Share("drawing", drawing);
                Share("learning", learning);
                return rate;

                (double Flops, double Seconds) Fastest(string flops, Func<(ReinforcementEvent Event, double Judging), double> seconds) =>
                    lines.Select(line => (Flops: line.Event.Metrics.Where(metric => metric.Key.StartsWith("flops/" + flops, StringComparison.Ordinal)).Sum(metric => metric.Value), Seconds: seconds(line))).MaxBy(work => work.Flops / work.Seconds);

                void Share(string phase, (double Flops, double Seconds) work) => figures.Add(Figure.AtLeast(
                    "rl", $"{phase}, {name}, {threads} threads: {work.Flops / work.Seconds / 1e9:F1} of {peak / 1e9:F0} GFLOP/s, {work.Seconds * 1e3:F1} ms of a step", work.Flops / work.Seconds / peak, "of peak", 1));
            }
        }

        figures.Add(Figure.AtLeast("rl", "two threads against one, reverse4", tiny[1] / tiny[0], "times", 1.8));
        figures.AddRange(SharedPromptBenchmark.Measure(Prompt));
        return figures;
    }

    private static double Drawing((ReinforcementEvent Event, double Judging) line) => line.Event.Find("timing_s/gen")!.Value - line.Judging;

    private static double Learning((ReinforcementEvent Event, double Judging) line) => line.Event.Find("timing_s/update")!.Value;

    private static RolloutTask[] Prompts()
    {
        var random = new SeededRandom(2);
        return [.. Enumerable.Range(0, 64).Select(i => new RolloutTask($"{i}", [.. Enumerable.Range(0, Prompt).Select(_ => random.NextInt(65))]))];
    }

    /// <summary>Rewards even tokens.</summary>
    private sealed class Parity : IEnvironment
    {
        public ValueTask<Turn> StepAsync(Attempt attempt, CancellationToken cancellationToken) => ValueTask.FromResult(Turn.Last(attempt.LastTurn.Average(token => 1.0 - (token % 2))));
    }

    /// <summary>Tells how long judging took, from the first attempt to the last.</summary>
    private sealed class TimedEnvironment(IEnvironment inner) : IEnvironment
    {
        private readonly Lock _lock = new();
        private long _first, _last;

        public async ValueTask<Turn> StepAsync(Attempt attempt, CancellationToken cancellationToken)
        {
            var began = TimeProvider.System.GetTimestamp();
            var turn = await inner.StepAsync(attempt, cancellationToken);
            lock (_lock)
            {
                _first = _first == 0 ? began : Math.Min(_first, began);
                _last = TimeProvider.System.GetTimestamp();
            }

            return turn;
        }

        public double Take()
        {
            var seconds = TimeProvider.System.GetElapsedTime(_first, _last).TotalSeconds;
            (_first, _last) = (0, 0);
            return seconds;
        }
    }
}
