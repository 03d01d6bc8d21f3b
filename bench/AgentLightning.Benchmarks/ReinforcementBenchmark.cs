using AgentLightning.Models.Architectures;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Measurement;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Benchmarks;

/// <summary>
/// Learning from rewards end to end, and its phases by themselves, as shares of the peak of matrix products: medians over steps, each
/// beside a product right after it. A tiny model, whose steps are a few milliseconds of small operations, and one of 10.7 million weights
/// with long prompts. Then two threads against one by the fastest steps, because other work on the machine only adds to them, and shared
/// prompts against prompts of one's own. Operations are those that were computed.
/// </summary>
internal static class ReinforcementBenchmark
{
    /// <summary>Of the larger model.</summary>
    private const int Prompt = 256,
        Answer = 32;

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
            tiny[threads - 1] = await MeasureAsync(
                "reverse4, 101 thousand weights, 16×16",
                small,
                ReverseDigits.Tasks(1).Tasks,
                new ReverseDigits(),
                options
            );
            await MeasureAsync(
                $"10.7M, {Prompt} and {Answer} tokens, 2×16",
                larger,
                Prompts(),
                new Parity(),
                new ReinforcementOptions
                {
                    Steps = 8,
                    MaxTokens = Answer,
                    TasksPerStep = 2,
                    EvaluateEvery = 0,
                }
            );

            async Task<double> MeasureAsync(
                string name,
                Transformer model,
                IReadOnlyList<RolloutTask> tasks,
                IEnvironment environment,
                ReinforcementOptions chosen
            )
            {
                model.Train(true);
                using var machine = new Machine(compute);
                machine.Multiply();
                var rounds = new List<Round>();
                var timed = new TimedEnvironment(environment);
                await ReinforcementLoop.TrainAsync(
                    new LanguagePolicy(model, compute),
                    tasks,
                    [],
                    timed,
                    chosen,
                    null,
                    false,
                    TimeProvider.System,
                    line => rounds.Add(new Round(line, timed.Take(), Best.Of(0, machine.Multiply)[0])),
                    null,
                    CancellationToken.None
                );
                // The first steps also compile.
                rounds.RemoveRange(0, 2);
                var rate = rounds.Max(round => round.Event.Find("tokens_per_second")!.Value);
                Share($"end to end, {rate:F0} tokens/s", round => round.Flops("gen") + round.Flops("update"), round => round.Seconds);
                Share("drawing", round => round.Flops("gen"), round => round.Drawing);
                Share("learning", round => round.Flops("update"), round => round.Learning);
                figures.Add(
                    Figure.AtMost(
                        "rl",
                        $"judging, {name}, {threads} threads: {rounds.Min(round => round.Judging) * 1e3:F2} ms of a step",
                        rounds.Select(round => round.Judging / round.Seconds).Median(),
                        "of a step",
                        0.1
                    )
                );
                return rate;

                void Share(string phase, Func<Round, double> flops, Func<Round, double> seconds) =>
                    figures.Add(
                        Figure.AtLeast(
                            "rl",
                            $"{phase}, {name}, {threads} threads: {rounds.Max(round => flops(round) / seconds(round)) / 1e9:F1} of "
                                + $"{Machine.Flops / rounds.Min(round => round.Product) / 1e9:F0} GFLOP/s, {rounds.Min(seconds) * 1e3:F1} "
                                + $"ms of a step",
                            rounds.Select(round => flops(round) / seconds(round) / (Machine.Flops / round.Product)).Median(),
                            "of peak",
                            1
                        )
                    );
            }
        }

        figures.Add(Figure.AtLeast("rl", "two threads against one, reverse4", tiny[1] / tiny[0], "times", 1.8));
        figures.AddRange(SharedPromptBenchmark.Measure(Prompt));
        return figures;
    }

    private static RolloutTask[] Prompts()
    {
        var random = new SeededRandom(2);
        return
        [
            .. Enumerable
                .Range(0, 64)
                .Select(i => new RolloutTask($"{i}", [.. Enumerable.Range(0, Prompt).Select(_ => random.NextInt(65))])),
        ];
    }

    /// <summary>A step, how long judging took in it, and how long a matrix product took right after it.</summary>
    private sealed record Round(ReinforcementEvent Event, double Judging, double Product)
    {
        public double Drawing => Event.Find("timing_s/gen")!.Value - Judging;

        public double Learning => Event.Find("timing_s/update")!.Value;

        public double Seconds => Drawing + Judging + Learning;

        public double Flops(string phase) => Event.Find("flops/" + phase)!.Value;
    }

    /// <summary>Rewards even tokens.</summary>
    private sealed class Parity : IEnvironment
    {
        public ValueTask<Turn> StepAsync(Attempt attempt, CancellationToken cancellationToken) =>
            ValueTask.FromResult(Turn.Last(attempt.LastTurn.Average(token => 1.0 - (token % 2))));
    }

    /// <summary>Tells how long judging took, from the first attempt to the last.</summary>
    private sealed class TimedEnvironment(IEnvironment inner) : IEnvironment
    {
        private readonly Lock _lock = new();
        private long _first,
            _last;

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
