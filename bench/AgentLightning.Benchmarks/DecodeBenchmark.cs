using System.Runtime.Intrinsics;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Benchmarks;

/// <summary>
/// Tokens per second of decoding with a cache of 256 tokens, at batches of 1 and 8, as a share of the lesser of two limits measured in the same run:
/// the peak of matrix products, and reading all weights and the cache once per step.
/// </summary>
internal static unsafe class DecodeBenchmark
{
    private const int Context = 256;

    public static Task<IReadOnlyList<Figure>> RunAsync()
    {
        using var compute = new Compute(2);
        var figures = new List<Figure>();
        foreach (var type in new[] { StoredType.F32, StoredType.BF16 })
        {
            // The shape of Qwen2.5-0.5B with a quarter of its layers: weights that no cache holds.
            using var model = Transformer.Allocate(
                new TransformerConfig
                {
                    Family = TransformerFamily.Qwen2, VocabularySize = 32_000, Width = 896, Layers = 6, Heads = 14, KeyValueHeads = 2, HeadWidth = 64, InnerWidth = 4864,
                    MaxPositions = 512, QueryKeyValueBias = true, TiedEmbeddings = true,
                },
                type);
            foreach (var batch in new[] { 1, 8 })
            {
                figures.Add(Measure(model, compute, type, batch));
            }
        }

        return Task.FromResult<IReadOnlyList<Figure>>(figures);
    }

    private static Figure Measure(Transformer model, Compute compute, StoredType type, int batch)
    {
        var config = model.Config;
        using var session = new InferenceSession(model, compute, batch * 512);
        CachedSequence[] sequences = [.. Enumerable.Range(0, batch).Select(_ => session.Start())];
        int[] prompts = [.. Enumerable.Repeat(Context, batch)], ones = [.. Enumerable.Repeat(1, batch)];
        var logits = new float[batch * config.VocabularySize];
        session.Forward(sequences, prompts, new int[batch * Context], logits);

        var weights = model.Parameters.Sum(p => p.Count);
        using var memory = new NativeBuffer(weights * type.Size());
        var seconds = Best.Of(
            4,
            () =>
            {
                session.Forward(sequences, ones, ones, logits);
                Array.ForEach(sequences, sequence => sequence.Truncate(Context));
            },
            () => GemmPeak.Run(compute),
            () => compute.Pool.Run(new ReadJob((byte*)memory.Data, memory.Bytes, 64), 64));
        var cacheNumbers = 2.0 * config.Layers * config.KeyValueHeads * config.HeadWidth * Context * batch;
        var arithmetic = batch * ((2.0 * weights) + (4.0 * config.Layers * config.Width * Context)) / (GemmPeak.Flops / seconds[1]);
        var reading = ((weights * type.Size()) + (cacheNumbers * sizeof(float))) / (memory.Bytes / seconds[2]);
        return Figure.AtLeast(
            "decode", $"{weights / 1e6:F0}M {type}, batch {batch}: {batch / seconds[0]:F0} tokens/s; memory {memory.Bytes / seconds[2] / 1e9:F1} GB/s", Math.Max(arithmetic, reading) / seconds[0], "of limit", 0.7);
    }

    private readonly struct ReadJob(byte* memory, long bytes, int parts) : IJob
    {
        public void Run(int part, float* scratch)
        {
            var sum = Vector512<float>.Zero;
            var share = bytes / parts / 256 * 256;
            var to = (float*)(memory + (share * (part + 1)));
            for (var from = (float*)(memory + (share * part)); from < to; from += 64)
            {
                sum += Vector512.Load(from) + Vector512.Load(from + 16) + Vector512.Load(from + 32) + Vector512.Load(from + 48);
            }

            if (Vector512.Sum(sum) == 1)
            {
                throw new InvalidOperationException("The memory that is read is zero.");
            }
        }
    }
}
