using AgentLightning.Models.Measurement;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Benchmarks;

/// <summary>
/// GFLOP/s of matrix products at a cube and at the shapes of models: forward with packed weights, backward to the input, and the gradient
/// of the weights. The limit is 0.95 of the best of OpenBLAS at this shape, where it is installed, and of our own best at any shape with as
/// many threads.
/// </summary>
internal static unsafe class GemmBenchmark
{
    private static readonly (int M, int K, int N)[] s_shapes =
    [
        (1024, 1024, 1024),
        (1023, 1021, 1019),
        (768, 128, 384),
        (768, 128, 512),
        (4096, 384, 1536),
        (4096, 1536, 384),
        (8192, 128, 512),
        (64, 128, 512),
        (8, 384, 1536),
        (1, 2048, 2048),
    ];

    public static Task<IReadOnlyList<Figure>> RunAsync()
    {
        var openBlas = OpenBlas.TryLoad();
        var figures = new List<Figure>();
        foreach (var threads in new[] { 1, 2 })
        {
            using var pool = new WorkerPool(threads);
            openBlas?.SetThreads(threads);
            var rows = s_shapes.Select(shape => (Shape: shape, Rates: Measure(pool, openBlas, shape))).ToList();
            var best = rows.Max(row => row.Rates[..3].Max());
            foreach (var ((m, k, n), rates) in rows)
            {
                string[] names = ["forward", "backward", "gradient"];
                for (var i = 0; i < names.Length; i++)
                {
                    var limit = Math.Round(0.95 * Math.Max(rates[3], m >= 64 ? best : 0), 1);
                    figures.Add(
                        Figure.AtLeast(
                            "gemm",
                            $"{names[i]} {m}×{k}×{n}, {threads} threads, OpenBLAS {rates[3]:F0}",
                            rates[i],
                            "GFLOP/s",
                            limit > 0 ? limit : 1
                        )
                    );
                }
            }
        }

        return Task.FromResult<IReadOnlyList<Figure>>(figures);
    }

    private static double[] Measure(WorkerPool pool, OpenBlas? openBlas, (int M, int K, int N) shape)
    {
        var (m, k, n) = shape;
        using NativeBuffer x = Filled((long)m * k),
            y = Filled((long)m * n),
            plain = Filled((long)k * n),
            packed = Filled((n + 31L) * k),
            gradient = Filled((n + 31L) * k);
        float* px = (float*)x.Data,
            py = (float*)y.Data,
            pb = (float*)plain.Data;
        PanelMatrix weights = new(packed.Data, StoredType.F32, n, k),
            gradients = new(gradient.Data, StoredType.F32, n, k);
        var seconds = Best.Of(
            1.5,
            () => Gemm.Forward(pool, m, px, k, weights, py, n, null, 0),
            () => Gemm.Backward(pool, m, py, n, weights, px, k, add: false),
            () => Gemm.AddGradient(pool, m, px, k, py, n, gradients),
            () => openBlas?.Multiply(m, n, k, px, pb, py)
        );
        return [.. seconds.Select((s, i) => i == 3 && openBlas is null ? 0 : 2.0 * m * n * k / s / 1e9)];
    }

    private static NativeBuffer Filled(long count)
    {
        var buffer = new NativeBuffer(count * sizeof(float));
        for (long i = 0; i < count; i++)
        {
            ((float*)buffer.Data)[i] = ((i * 7919 % 17) - 8) * 0.01f;
        }

        return buffer;
    }
}
