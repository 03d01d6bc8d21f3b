using System.Runtime.Intrinsics;

namespace AgentLightning.Models.Tensors;

/// <summary>
/// y = (x − μ)·r·w + b per row, with r = 1/√(mean of squares of x − μ + ε). LayerNorm takes the mean off; RMSNorm leaves it (μ = 0) and has
/// no b.
/// </summary>
/// <param name="Width">Numbers per row.</param>
/// <param name="Centered">Whether the mean is taken off.</param>
internal readonly record struct Normalization(int Width, bool Centered, float Epsilon)
{
    private const int RowsPerPart = 16,
        ColumnsPerPart = 2 * Lanes.Count;

    public unsafe void Forward(WorkerPool pool, int rows, Rows x, float* weight, float* bias, Rows y) =>
        pool.Run(new ForwardJob(this, rows, x, weight, bias, y), Parts(rows, RowsPerPart));

    /// <summary>
    /// dx (+)= dy · ∂y/∂x; dWeight and dBias (may be null) grow by theirs. <paramref name="statistics"/> is room for 2 × rows.
    /// </summary>
    public unsafe void Backward(
        WorkerPool pool,
        int rows,
        Rows x,
        float* weight,
        Rows dy,
        Rows dx,
        bool add,
        float* dWeight,
        float* dBias,
        float* statistics
    )
    {
        pool.Run(new BackwardJob(this, rows, x, weight, dy, dx, add, statistics), Parts(rows, RowsPerPart));
        if (dWeight is not null)
        {
            pool.Run(new GradientJob(this, rows, x, dy, dWeight, dBias, statistics), Parts(Width, ColumnsPerPart));
        }
    }

    private static int Parts(int count, int perPart) => (count + perPart - 1) / perPart;

    private unsafe (float Mean, float Scale) Measure(float* x)
    {
        var mean = 0f;
        if (Centered)
        {
            var sum = Vector512<float>.Zero;
            for (var i = 0; i < Width; i += Lanes.Count)
            {
                sum += Lanes.Load(x + i, Width - i);
            }

            mean = Vector512.Sum(sum) / Width;
        }

        var squares = Vector512<float>.Zero;
        for (var i = 0; i < Width; i += Lanes.Count)
        {
            var d = Lanes.Load(x + i, Width - i) - Vector512.Create(mean);
            squares = Vector512.FusedMultiplyAdd(d, d, squares);
        }

        // What lies beyond the end of a row was read as zero and counted as −μ.
        var beyond = (Lanes.Count - (Width % Lanes.Count)) % Lanes.Count;
        return (mean, 1 / MathF.Sqrt(((Vector512.Sum(squares) - (beyond * mean * mean)) / Width) + Epsilon));
    }

    private readonly unsafe struct ForwardJob(Normalization norm, int rows, Rows x, float* weight, float* bias, Rows y) : IJob
    {
        public void Run(int part, float* scratch)
        {
            for (var r = part * RowsPerPart; r < Math.Min(rows, (part + 1) * RowsPerPart); r++)
            {
                float* from = x[r],
                    to = y[r];
                var (mean, scale) = norm.Measure(from);
                for (var i = 0; i < norm.Width; i += Lanes.Count)
                {
                    var left = norm.Width - i;
                    var value = (Lanes.Load(from + i, left) - Vector512.Create(mean)) * scale * Lanes.Load(weight + i, left);
                    Lanes.Store(bias is null ? value : value + Lanes.Load(bias + i, left), to + i, left);
                }
            }
        }
    }

    /// <summary>With x̂ = (x − μ)·r and g = dy·w: dx = r·(g − mean(g) − x̂·mean(g·x̂)), without mean(g) where the mean stays.</summary>
    private readonly unsafe struct BackwardJob(
        Normalization norm,
        int rows,
        Rows x,
        float* weight,
        Rows dy,
        Rows dx,
        bool add,
        float* statistics
    ) : IJob
    {
        public void Run(int part, float* scratch)
        {
            for (var r = part * RowsPerPart; r < Math.Min(rows, (part + 1) * RowsPerPart); r++)
            {
                float* value = x[r],
                    gradient = dy[r],
                    to = dx[r];
                var (mean, scale) = norm.Measure(value);
                (statistics[2 * r], statistics[(2 * r) + 1]) = (mean, scale);
                Vector512<float> sum = default,
                    product = default;
                for (var i = 0; i < norm.Width; i += Lanes.Count)
                {
                    var left = norm.Width - i;
                    var g = Lanes.Load(gradient + i, left) * Lanes.Load(weight + i, left);
                    sum += g;
                    product += g * (Lanes.Load(value + i, left) - Vector512.Create(mean)) * scale;
                }

                var meanG = norm.Centered ? Vector512.Sum(sum) / norm.Width : 0;
                var meanProduct = Vector512.Sum(product) / norm.Width;
                for (var i = 0; i < norm.Width; i += Lanes.Count)
                {
                    var left = norm.Width - i;
                    var g = Lanes.Load(gradient + i, left) * Lanes.Load(weight + i, left);
                    var normed = (Lanes.Load(value + i, left) - Vector512.Create(mean)) * scale;
                    var d = (g - Vector512.Create(meanG) - (normed * meanProduct)) * scale;
                    Lanes.Store(add ? d + Lanes.Load(to + i, left) : d, to + i, left);
                }
            }
        }
    }

    private readonly unsafe struct GradientJob(
        Normalization norm,
        int rows,
        Rows x,
        Rows dy,
        float* dWeight,
        float* dBias,
        float* statistics
    ) : IJob
    {
        public void Run(int part, float* scratch)
        {
            // Two vectors side by side are a whole number of cache lines and keep two multipliers busy.
            var i = part * ColumnsPerPart;
            var (left, right) = (norm.Width - i, norm.Width - i - Lanes.Count);
            Vector512<float> weights0 = default,
                biases0 = default,
                weights1 = default,
                biases1 = default;
            for (var r = 0; r < rows; r++)
            {
                float* gradient = dy[r] + i,
                    value = x[r] + i;
                var (mean, scale) = (Vector512.Create(statistics[2 * r]), Vector512.Create(statistics[(2 * r) + 1]));
                var g = Lanes.Load(gradient, left);
                weights0 += g * (Lanes.Load(value, left) - mean) * scale;
                biases0 += g;
                if (right > 0)
                {
                    g = Lanes.Load(gradient + Lanes.Count, right);
                    weights1 += g * (Lanes.Load(value + Lanes.Count, right) - mean) * scale;
                    biases1 += g;
                }
            }

            Add(weights0, weights1, dWeight + i, left);
            if (dBias is not null)
            {
                Add(biases0, biases1, dBias + i, left);
            }
        }

        private static void Add(Vector512<float> first, Vector512<float> second, float* to, int left)
        {
            Lanes.Store(Lanes.Load(to, left) + first, to, left);
            if (left > Lanes.Count)
            {
                Lanes.Store(Lanes.Load(to + Lanes.Count, left - Lanes.Count) + second, to + Lanes.Count, left - Lanes.Count);
            }
        }
    }
}
