using AgentLightning.Models.Architectures;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Benchmarks;

/// <summary>
/// A whole training step (forward, backward, clipping, AdamW) as a share of the peak of matrix products measured in the same run, with one and two threads.
/// FLOPs per token = 6 · weights in matrices + 6 · layers · width · length: attention counts the half that is not masked.
/// </summary>
internal static class TrainStepBenchmark
{
    public static Task<IReadOnlyList<Figure>> RunAsync()
    {
        var figures = new List<Figure>();
        foreach (var threads in new[] { 1, 2 })
        {
            using var compute = new Compute(threads);
            // Micro-batches keep activations in the cache; their gradients add up to those of the whole batch.
            figures.AddRange(Measure(compute, "10.7M", width: 384, layers: 6, heads: 6, batch: 16, length: 256, micro: 4, limit: 0.85));
            figures.AddRange(Measure(compute, "0.8M", width: 128, layers: 4, heads: 4, batch: 256, length: 32, micro: 32, limit: 0.65));
        }

        return Task.FromResult<IReadOnlyList<Figure>>(figures);
    }

    private static IEnumerable<Figure> Measure(Compute compute, string name, int width, int layers, int heads, int batch, int length, int micro, double limit)
    {
        using var model = Transformer.Create(GptConfig(width, layers, heads, length), 1);
        model.Train(true);
        using var session = new TrainingSession(model, compute);
        using var optimizer = new ParameterOptimizer(model.Parameters, compute, new AdamW());
        int[] tokens = [.. Enumerable.Range(0, micro * length).Select(i => i * 31 % 65)], starts = [.. Enumerable.Range(0, micro + 1).Select(i => i * length)];
        int[] positions = [.. Enumerable.Range(0, tokens.Length)];
        var weight = 1f / (batch * length);

        var seconds = Best.Of(8, Step, () => GemmPeak.Run(compute));
        var matrices = model.Parameters.Where(p => p.Shape.Count == 2 && !p.Name.Contains("wpe", StringComparison.Ordinal)).Sum(p => p.Count);
        var flops = batch * (double)length * 6 * (matrices + ((double)layers * width * length));
        var (rate, peak) = (flops / seconds[0] / 1e9, GemmPeak.Flops / seconds[1] / 1e9);
        yield return Figure.AtLeast("train-step", $"{name}, {batch}×{length}, {compute.Threads} threads: {rate:F0} of {peak:F0} GFLOP/s, {batch * length / seconds[0]:F0} tokens/s", rate / peak, "of peak", limit);

        void Step()
        {
            for (var i = 0; i < batch / micro; i++)
            {
                session.CrossEntropy(tokens, starts, positions, tokens, weight);
            }

            optimizer.Step(1e-4f, clipNorm: 1);
        }
    }

    internal static TransformerConfig GptConfig(int width, int layers, int heads, int length) => new()
    {
        Family = TransformerFamily.Gpt2, VocabularySize = 65, Width = width, Layers = layers, Heads = heads, KeyValueHeads = heads, HeadWidth = width / heads,
        InnerWidth = 4 * width, MaxPositions = length, QueryKeyValueBias = true, AttentionOutputBias = true, FeedForwardBias = true, TiedEmbeddings = true,
    };
}
