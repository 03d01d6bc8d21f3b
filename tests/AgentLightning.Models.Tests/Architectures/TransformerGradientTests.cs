using AgentLightning.Models.Architectures;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Tests;

/// <summary>Gradients against central differences: whole models of every kind, with adapters, and with every way to save memory.</summary>
public sealed class TransformerGradientTests : IDisposable
{
    private static readonly int[] s_tokens = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7];
    private static readonly int[] s_starts = [0, 8, 14];
    private static readonly int[] s_positions = [1, 2, 6, 8, 12];
    private static readonly int[] s_targets = [4, 1, 6, 3, 7];
    private static readonly float[] s_worth = [0.5f, -1, 0.25f, 1, -0.3f];
    private static readonly float[] s_spread = [0.1f, 0, -0.2f, 0.3f, 0.05f];
    private readonly Compute _compute = new(2);

    public static TheoryData<TransformerFamily, bool> Kinds =>
        new()
        {
            { TransformerFamily.Gpt2, true },
            { TransformerFamily.Gpt2, false },
            { TransformerFamily.Llama, false },
            { TransformerFamily.Mistral, true },
            { TransformerFamily.Qwen2, true },
            { TransformerFamily.Qwen3, false },
        };

    public void Dispose() => _compute.Dispose();

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Gradients_of_every_parameter_agree_with_differences(TransformerFamily family, bool tied)
    {
        using var model = TinyModels.Create(family, tied);
        model.Train(true);
        CheckDifferences(model, model.Parameters);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Gradients_of_adapters_on_every_linear_layer_agree_with_differences_and_the_base_has_none(
        TransformerFamily family,
        bool tied
    )
    {
        using var model = TinyModels.Create(family, tied);
        var adapters = TinyModels.AddAdapters(model, rank: 3);

        CheckDifferences(model, adapters);

        Assert.All(model.Parameters, parameter => Assert.False(parameter.IsTrained));
        adapters.ForEach(parameter => parameter.Dispose());
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Saving_memory_and_the_number_of_threads_change_no_bit(TransformerFamily family, bool tied)
    {
        using var plain = TinyModels.Create(family, tied);
        plain.Train(true);
        var expected = Gradients(plain, _compute, new TrainingSessionOptions());
        foreach (var threads in new[] { 1, 3 })
        {
            using var compute = new Compute(threads);
            using var model = TinyModels.Create(family, tied);
            model.Train(true);
            Assert.Equal(expected, Gradients(model, compute, new TrainingSessionOptions { Checkpointing = true }));
        }
    }

    [Fact]
    public void Logits_made_in_chunks_give_the_gradients_of_logits_that_are_kept()
    {
        var config = TinyModels.Config(TransformerFamily.Llama, tied: false) with { VocabularySize = 60_000 };
        using Transformer kept = Transformer.Create(config, 1),
            chunked = Transformer.Create(config, 1);
        kept.Train(true);
        chunked.Train(true);

        var expected = Gradients(kept, _compute, new TrainingSessionOptions());
        var actual = Gradients(chunked, _compute, new TrainingSessionOptions { LogitBytes = 1 << 20 });

        Close.All(expected, actual, 1e-6);
    }

    private static float[] Gradients(Transformer model, Compute compute, TrainingSessionOptions options)
    {
        using var session = new TrainingSession(model, compute, options);
        var logP = new float[s_targets.Length];
        session.Forward(s_tokens, s_starts, s_positions, s_targets, logP);
        session.Backward(s_worth, s_spread);
        return [.. logP, .. model.Parameters.SelectMany(Golden.Gradient)];
    }

    private void CheckDifferences(Transformer model, IEnumerable<Parameter> parameters)
    {
        using var session = new TrainingSession(model, _compute);
        Loss();
        session.Backward(s_worth, s_spread);
        foreach (var parameter in parameters)
        {
            var gradient = Golden.Gradient(parameter);
            // The largest entries stand out of the noise of single precision; a few others catch what is wrongly zero.
            var chosen = Enumerable
                .Range(0, gradient.Length)
                .OrderByDescending(i => MathF.Abs(gradient[i]))
                .Take(4)
                .Concat(Enumerable.Range(0, 3).Select(i => i * gradient.Length / 3))
                .Distinct();
            foreach (var i in chosen)
            {
                const float Step = 1e-2f;
                float[] value = new float[1];
                parameter.Read(i, value);
                var kept = value[0];
                parameter.Write(i, [kept + Step]);
                var above = Loss();
                parameter.Write(i, [kept - Step]);
                var below = Loss();
                parameter.Write(i, [kept]);
                var difference = (above - below) / (2 * Step);
                Assert.True(
                    Math.Abs(difference - gradient[i]) <= 2e-3 + (0.01 * Math.Abs(difference)),
                    $"{parameter.Name}[{i}]: the gradient is {gradient[i]}, differences say {difference}"
                );
            }
        }

        double Loss()
        {
            float[] logP = new float[s_targets.Length],
                entropy = new float[s_targets.Length];
            session.Forward(s_tokens, s_starts, s_positions, s_targets, logP, entropy);
            return Enumerable.Range(0, logP.Length).Sum(i => ((double)s_worth[i] * logP[i]) + ((double)s_spread[i] * entropy[i]));
        }
    }
}
