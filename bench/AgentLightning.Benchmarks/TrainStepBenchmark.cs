using AgentLightning.Models.Adapters;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Measurement;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Benchmarks;

/// <summary>
/// A whole training step (forward, backward, clipping, AdamW) as a share of the peak of matrix products measured in the same run, with one
/// and two threads. And a step of an adapter of rank 8 on a frozen base against a step of all weights. FLOPs per token = 6 · weights in
/// matrices + 6 · layers · width · length: attention counts the half that is not masked.
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
            figures.Add(MeasureAdapter(compute));
            figures.AddRange(Measure(compute, "0.8M", width: 128, layers: 4, heads: 4, batch: 256, length: 32, micro: 32, limit: 0.65));
        }

        return Task.FromResult<IReadOnlyList<Figure>>(figures);
    }

    private static IEnumerable<Figure> Measure(
        Compute compute,
        string name,
        int width,
        int layers,
        int heads,
        int batch,
        int length,
        int micro,
        double limit
    )
    {
        using var model = Transformer.Create(GptConfig(width, layers, heads, length), 1);
        model.Train(true);
        using var session = new TrainingSession(model, compute);
        using var machine = new Machine(compute);
        using var optimizer = new ParameterOptimizer(model.Parameters, compute, new AdamW());
        int[] tokens = [.. Enumerable.Range(0, micro * length).Select(i => i * 31 % 65)],
            starts = [.. Enumerable.Range(0, micro + 1).Select(i => i * length)];
        int[] positions = [.. Enumerable.Range(0, tokens.Length)];
        var weight = 1f / (batch * length);

        var seconds = Best.Of(8, Step, machine.Multiply);
        var matrices = model
            .Parameters.Where(p => p.Shape.Count == 2 && !p.Name.Contains("wpe", StringComparison.Ordinal))
            .Sum(p => p.Count);
        var flops = batch * (double)length * 6 * (matrices + ((double)layers * width * length));
        var (rate, peak) = (flops / seconds[0] / 1e9, Machine.Flops / seconds[1] / 1e9);
        yield return Figure.AtLeast(
            "train-step",
            $"{name}, {batch}×{length}, {compute.Threads} threads: {rate:F0} of {peak:F0} GFLOP/s, {batch * length / seconds[0]:F0} "
                + $"tokens/s",
            rate / peak,
            "of peak",
            limit
        );

        void Step()
        {
            for (var i = 0; i < batch / micro; i++)
            {
                session.CrossEntropy(tokens, starts, positions, tokens, weight);
            }

            optimizer.Step(1e-4f, clipNorm: 1);
        }
    }

    private static Figure MeasureAdapter(Compute compute)
    {
        const int Length = 256,
            Batch = 4;
        using Transformer whole = Transformer.Create(GptConfig(384, 6, 6, Length), 1),
            frozen = Transformer.Create(GptConfig(384, 6, 6, Length), 1);
        using var adapter = Adapter.Create(frozen, new AdapterOptions { Rank = 8 }, 1);
        whole.Train(true);
        adapter.Attach();
        adapter.Train(true);
        using TrainingSession wholeSession = new(whole, compute),
            adapterSession = new(frozen, compute);
        using ParameterOptimizer wholeOptimizer = new(whole.Parameters, compute, new AdamW()),
            adapterOptimizer = new(adapter.Parameters, compute, new AdamW());
        int[] tokens = [.. Enumerable.Range(0, Batch * Length).Select(i => i * 31 % 65)],
            starts = [.. Enumerable.Range(0, Batch + 1).Select(i => i * Length)],
            positions = [.. Enumerable.Range(0, tokens.Length)];
        var seconds = Best.Of(6, () => Step(wholeSession, wholeOptimizer), () => Step(adapterSession, adapterOptimizer));
        return Figure.AtMost(
            "train-step",
            $"adapter step, 10.7M, {Batch}×{Length}, {compute.Threads} threads, {seconds[1] * 1e3:F1} ms",
            seconds[1] / seconds[0],
            "of a step of all weights",
            0.75
        );

        void Step(TrainingSession session, ParameterOptimizer optimizer)
        {
            session.CrossEntropy(tokens, starts, positions, tokens, 1f / tokens.Length);
            optimizer.Step(1e-4f, clipNorm: 1);
        }
    }

    internal static TransformerConfig GptConfig(int width, int layers, int heads, int length) =>
        new()
        {
            Family = TransformerFamily.Gpt2,
            VocabularySize = 65,
            Width = width,
            Layers = layers,
            Heads = heads,
            KeyValueHeads = heads,
            HeadWidth = width / heads,
            InnerWidth = 4 * width,
            MaxPositions = length,
            QueryKeyValueBias = true,
            AttentionOutputBias = true,
            FeedForwardBias = true,
            TiedEmbeddings = true,
        };
}
