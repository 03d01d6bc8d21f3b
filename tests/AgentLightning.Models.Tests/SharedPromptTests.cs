using AgentLightning.Models.Architectures;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Objectives.Sequences;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Tests;

/// <summary>What attempts have in common is computed once, and everything that comes of it is that of attempts computed one by one.</summary>
public sealed class SharedPromptTests : IDisposable
{
    private readonly Compute _compute = new(2);

    public static TheoryData<TransformerFamily, bool> Families => new()
    {
        { TransformerFamily.Gpt2, false }, { TransformerFamily.Gpt2, true }, { TransformerFamily.Llama, false }, { TransformerFamily.Llama, true }, { TransformerFamily.Qwen3, false }, { TransformerFamily.Qwen3, true },
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
        var sequences = Sequences((1, [1, 2, 5]), (7, [1, 1]), (31, [3, 40, 9, 33, 1]), (33, [12, 13, 14, 15, 16, 17, 70]), (45, [4]), (64, [32, 32, 31]));

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

    private (double Loss, float[] Gradients, float[] Scores) Learn(
        Transformer model, ValueHead? head, IReadOnlyList<Parameter> parameters, IReadOnlyList<LearningSequence> sequences, ISequenceObjective objective, int tokensAtOnce, bool share, bool checkpointing, Compute? compute = null)
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
