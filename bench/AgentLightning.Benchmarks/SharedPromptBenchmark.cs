using AgentLightning.Models.Architectures;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Measurement;
using AgentLightning.Models.Objectives.Sequences;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Benchmarks;

/// <summary>
/// An update, and drawing, with a prompt that 16 attempts share, against the same where each attempt has it for itself. The bound is the
/// ratio of tokens, (P + R) / (P / 16 + R); the limit is 0.7 of it, because the optimizer and logits take as long as before.
/// </summary>
internal static class SharedPromptBenchmark
{
    private const int Attempts = 16;

    public static IEnumerable<Figure> Measure(int prompt)
    {
        using var compute = new Compute(2);
        using var model = Transformer.Create(TrainStepBenchmark.GptConfig(384, 6, 6, 2 * prompt), 1);
        model.Train(true);
        var sequences = Sequences(prompt);
        using PolicyStep shared = Step(share: true),
            apart = Step(share: false);
        using var optimizer = new ParameterOptimizer(model.Parameters, compute, new AdamW());
        double whole = Tokens(share: false),
            once = Tokens(share: true);
        var rounds = Best.Rounds(5, 0, () => Update(shared), () => Update(apart));
        var (fast, slow) = (rounds.Select(round => round[0]).Median(), rounds.Select(round => round[1]).Median());
        yield return Figure.AtLeast(
            "rl",
            $"update with a shared prompt of {prompt}, {Attempts} answers of 16 to 32 tokens, 10.7M, 2 threads: {fast * 1e3:F0} against "
                + $"{slow * 1e3:F0} ms, where {whole / once:F1} times fewer tokens are computed",
            rounds.Select(round => round[1] / round[0]).Median(),
            "times",
            Math.Round(0.7 * whole / once, 2)
        );
        var group = ModelSpeed.Group(model, compute, Attempts, 24);
        yield return Figure.AtLeast(
            "rl",
            $"drawing {group.Name}, 10.7M, 2 threads, against prompts read once each",
            group.Value,
            "times",
            2
        );

        PolicyStep Step(bool share) => new(model, compute, null, 4096, temperature: 1, checkpointing: false, share);

        double Tokens(bool share) =>
            new SequencePlan(sequences, int.MaxValue, share).Part(0).ToArray().Sum(family => (double)family.Tokens);

        void Update(PolicyStep step)
        {
            step.AddGradient(sequences, new GroupPolicyLoss(), 32, new MetricSums());
            optimizer.Step(1e-5f, clipNorm: 1);
        }
    }

    private static LearningSequence[] Sequences(int prompt)
    {
        var random = new SeededRandom(3);
        int[] tokens = [.. Enumerable.Range(0, prompt).Select(_ => random.NextInt(65))];
        return
        [
            .. Enumerable
                .Range(0, Attempts)
                .Select(i =>
                {
                    var length = 16 + (i % 17);
                    var sequence = new LearningSequence(
                        [.. tokens, .. Enumerable.Range(0, length).Select(_ => random.NextInt(65))],
                        [.. Enumerable.Range(prompt, length)],
                        [.. Enumerable.Repeat(-MathF.Log(65), length)]
                    );
                    Array.Fill(sequence.Advantages, random.NextNormal());
                    return sequence;
                }),
        ];
    }
}
