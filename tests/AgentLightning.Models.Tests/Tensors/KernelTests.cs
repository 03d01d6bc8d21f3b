using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Tests;

/// <summary>The matrix kernels against plain loops in double precision, on sizes around the edges of tiles, panels and blocks.</summary>
public sealed unsafe class KernelTests
{
    public static TheoryData<int, int, int> Sizes =>
        new()
        {
            { 1, 1, 1 },
            { 1, 33, 65 },
            { 2, 31, 7 },
            { 3, 32, 32 },
            { 5, 64, 31 },
            { 7, 257, 33 },
            { 8, 256, 64 },
            { 9, 1, 95 },
            { 15, 300, 17 },
            { 16, 511, 40 },
            { 17, 16, 513 },
            { 33, 100, 96 },
            { 64, 48, 1 },
            { 129, 259, 67 },
            { 140, 270, 530 },
            { 40, 1024, 48 },
            { 150, 2048, 33 },
        };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Products_of_every_layout_and_stored_type_agree_with_plain_loops_on_one_thread_and_several(int m, int k, int n)
    {
        float[] x = Random(m * k, 1),
            y = Random(m * n, 2),
            w = Random(n * k, 3),
            bias = Random(n, 4);
        foreach (var type in new[] { StoredType.F32, StoredType.BF16, StoredType.F16 })
        {
            var (packed, weights) = Pack(w, n, k, type);
            using (packed)
            {
                var stored = Unpack(weights);
                var results = new[] { 1, 2, 3 }.Select(threads => Run(threads, m, k, n, x, y, weights, bias)).ToList();
                CheckProduct(m, n, k, (i, p) => x[(i * k) + p], (p, j) => stored[(j * k) + p], (_, j) => bias[j], results[0].Forward);
                CheckProduct(
                    m,
                    k,
                    n,
                    (i, p) => y[(i * n) + p],
                    (p, j) => stored[(p * k) + j],
                    (i, j) => x[(i * k) + j],
                    results[0].Backward
                );
                CheckProduct(n, k, m, (i, p) => y[(p * n) + i], (p, j) => x[(p * k) + j], (_, _) => 0.5, results[0].Gradient);
                Assert.All(results, result => Assert.Equal(results[0].Forward, result.Forward));
                Assert.All(results, result => Assert.Equal(results[0].Backward, result.Backward));
                Assert.All(results, result => Assert.Equal(results[0].Gradient, result.Gradient));
            }
        }
    }

    [Theory]
    [InlineData(StoredType.F32)]
    [InlineData(StoredType.BF16)]
    [InlineData(StoredType.F16)]
    public void Every_instruction_set_gives_what_the_reference_gives(StoredType type)
    {
        const int Depth = 37;
        var (packed, panel) = Pack(Random(32 * Depth, 5), 32, Depth, type);
        using var _ = packed;
        var a = Random(19 * Depth, 6);
        var start = Random(19 * 32, 7);
        foreach (var rows in new[] { 1, 2, 3, 4, 5, 6, 7, 8, 9, 19 })
        {
            foreach (var columns in new[] { 1, 16, 31, 32 })
            {
                var expected = Multiply(new PanelKernelScalar(), rows, columns, a, panel, start);
                Close.All(expected, Multiply(new PanelKernel256(), rows, columns, a, panel, start), 1e-6, "256");
                Close.All(expected, Multiply(new PanelKernel512(), rows, columns, a, panel, start), 1e-6, "512");
            }
        }
    }

    [Fact]
    public void Stored_numbers_widen_exactly_and_narrow_to_the_nearest()
    {
        var half = stackalloc Half[32];
        var brain = stackalloc ushort[32];
        float* wide = stackalloc float[32],
            wideBrain = stackalloc float[32];
        for (var bits = 0; bits < 0x10000; bits += 32)
        {
            for (var i = 0; i < 32; i++)
            {
                half[i] = BitConverter.UInt16BitsToHalf((ushort)(bits + i));
                brain[i] = (ushort)(bits + i);
            }

            PanelMatrix.Widen(StoredType.F16, half, wide, 32);
            PanelMatrix.Widen(StoredType.BF16, brain, wideBrain, 32);
            for (var i = 0; i < 32; i++)
            {
                if (Half.IsFinite(half[i]))
                {
                    Assert.Equal((float)half[i], wide[i]);
                }

                Assert.Equal(BitConverter.Int32BitsToSingle((bits + i) << 16), wideBrain[i]);
            }
        }

        ushort rounded;
        StoredType.BF16.Write(&rounded, 0, 1.00390625f);
        Assert.Equal(0x3F80, rounded);
        StoredType.BF16.Write(&rounded, 0, 1.01171875f);
        Assert.Equal(0x3F82, rounded);
    }

    [Fact]
    public void The_exponential_is_right_over_its_whole_range()
    {
        var values = stackalloc float[16];
        for (var x = -87f; x < 88; x += 0.37f)
        {
            for (var i = 0; i < 16; i++)
            {
                values[i] = x + (i * 0.021f);
            }

            var result = Lanes.Exp(System.Runtime.Intrinsics.Vector512.Load(values));
            for (var i = 0; i < 16; i++)
            {
                Assert.Equal(1, result[i] / Math.Exp(values[i]), 3e-7);
            }
        }
    }

    [Fact]
    public void Every_part_of_every_job_runs_once_and_workers_that_sleep_wake_up()
    {
        using var pool = new WorkerPool(4);
        var counts = stackalloc int[64];
        for (var round = 0; round < 20_000; round++)
        {
            new Span<int>(counts, 64).Clear();
            pool.Run(new CountJob(counts), round % 64);
            for (var i = 0; i < 64; i++)
            {
                Assert.Equal(i < round % 64 ? 1 : 0, counts[i]);
            }
        }
    }

    private static (float[] Forward, float[] Backward, float[] Gradient) Run(
        int threads,
        int m,
        int k,
        int n,
        float[] x,
        float[] y,
        PanelMatrix weights,
        float[] bias
    )
    {
        using var pool = new WorkerPool(threads);
        var (packed, gradient) = Pack([.. Enumerable.Repeat(0.5f, n * k)], n, k, StoredType.F32);
        using var _ = packed;
        float[] forward = new float[m * n],
            backward = [.. x];
        fixed (
            float* px = x,
                py = y,
                pb = bias,
                pf = forward,
                pd = backward
        )
        {
            Gemm.Forward(pool, m, px, k, weights, pf, n, pb, 0);
            Gemm.Backward(pool, m, py, n, weights, pd, k, add: true);
            Gemm.AddGradient(pool, m, px, k, py, n, gradient);
        }

        return (forward, backward, Unpack(gradient));
    }

    private static float[] Multiply(PanelKernel kernel, int rows, int columns, float[] a, PanelMatrix panel, float[] start)
    {
        var result = new float[rows * columns];
        fixed (
            float* pa = a,
                ps = start,
                pc = result
        )
        {
            // A transposed: element (i, p) at p · 19 + i.
            kernel.Multiply(rows, columns, panel.Depth, pa, 1, 19, panel.Data, panel.Type, pc, columns, ps, 32);
        }

        return result;
    }

    private static void CheckProduct(
        int m,
        int n,
        int k,
        Func<int, int, double> a,
        Func<int, int, double> b,
        Func<int, int, double> start,
        float[] actual
    )
    {
        // All of a small product; of a large one some of every row and of every column of a panel.
        var stride = (m * n * k / 500_000) + 1;
        for (var i = 0; i < m; i++)
        {
            for (var j = i % stride; j < n; j += stride)
            {
                var (sum, size) = (start(i, j), Math.Abs(start(i, j)));
                for (var p = 0; p < k; p++)
                {
                    sum += a(i, p) * b(p, j);
                    size += Math.Abs(a(i, p) * b(p, j));
                }

                Assert.True(
                    Math.Abs(sum - actual[(i * n) + j]) <= 1e-6 * (size + 1),
                    $"({i}, {j}) of {m}×{k}×{n}: expected {sum}, got {actual[(i * n) + j]}"
                );
            }
        }
    }

    private static (NativeBuffer Memory, PanelMatrix Matrix) Pack(float[] w, int outputs, int inputs, StoredType type)
    {
        var memory = new NativeBuffer(new PanelMatrix(null, type, outputs, inputs).Count * type.Size());
        var matrix = new PanelMatrix(memory.Data, type, outputs, inputs);
        for (var i = 0; i < w.Length; i++)
        {
            type.Write(memory.Data, matrix.IndexOf(i / inputs, i % inputs), w[i]);
        }

        return (memory, matrix);
    }

    private static float[] Unpack(PanelMatrix matrix)
    {
        var values = new float[matrix.Columns * matrix.Depth];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = matrix.Type.Read(matrix.Data, matrix.IndexOf(i / matrix.Depth, i % matrix.Depth));
        }

        return values;
    }

    private static float[] Random(int count, long seed)
    {
        var random = new SeededRandom(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextNormal())];
    }

    private readonly struct CountJob(int* counts) : IJob
    {
        public void Run(int part, float* scratch) => Interlocked.Increment(ref counts[part]);
    }
}
