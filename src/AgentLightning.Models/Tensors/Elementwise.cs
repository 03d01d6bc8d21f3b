using System.Runtime.Intrinsics;

namespace AgentLightning.Models.Tensors;

/// <summary>Sums, copies and scalings of rows.</summary>
internal static unsafe class Elementwise
{
    private const int RowsPerPart = 32,
        ColumnsPerPart = 4 * Lanes.Count;

    /// <summary>y = x + bias.</summary>
    public static void AddBias(WorkerPool pool, int rows, int width, Rows x, float* bias, Rows y) =>
        pool.Run(new BiasJob(rows, width, x, bias, y), (rows + RowsPerPart - 1) / RowsPerPart);

    /// <summary>total += Σ over rows of x.</summary>
    public static void AddColumnSums(WorkerPool pool, int rows, int width, Rows x, float* total) =>
        pool.Run(new ColumnSumJob(rows, width, x, total), (width + ColumnsPerPart - 1) / ColumnsPerPart);

    /// <summary>x *= factor, over contiguous numbers.</summary>
    public static void Scale(float* x, long count, float factor)
    {
        for (long i = 0; i < count; i += Lanes.Count)
        {
            var left = (int)Math.Min(Lanes.Count, count - i);
            Lanes.Store(Lanes.Load(x + i, left) * factor, x + i, left);
        }
    }

    private readonly struct BiasJob(int rows, int width, Rows x, float* bias, Rows y) : IJob
    {
        public void Run(int part, float* scratch)
        {
            for (var r = part * RowsPerPart; r < Math.Min(rows, (part + 1) * RowsPerPart); r++)
            {
                float* from = x[r],
                    to = y[r];
                for (var i = 0; i < width; i += Lanes.Count)
                {
                    Lanes.Store(Lanes.Load(from + i, width - i) + Lanes.Load(bias + i, width - i), to + i, width - i);
                }
            }
        }
    }

    private readonly struct ColumnSumJob(int rows, int width, Rows x, float* total) : IJob
    {
        public void Run(int part, float* scratch)
        {
            var i = part * ColumnsPerPart;
            if (i + ColumnsPerPart <= width)
            {
                Vector512<float> sum0 = default,
                    sum1 = default,
                    sum2 = default,
                    sum3 = default;
                for (var r = 0; r < rows; r++)
                {
                    var from = x[r] + i;
                    sum0 += Vector512.Load(from);
                    sum1 += Vector512.Load(from + Lanes.Count);
                    sum2 += Vector512.Load(from + (2 * Lanes.Count));
                    sum3 += Vector512.Load(from + (3 * Lanes.Count));
                }

                (Vector512.Load(total + i) + sum0).Store(total + i);
                (Vector512.Load(total + i + Lanes.Count) + sum1).Store(total + i + Lanes.Count);
                (Vector512.Load(total + i + (2 * Lanes.Count)) + sum2).Store(total + i + (2 * Lanes.Count));
                (Vector512.Load(total + i + (3 * Lanes.Count)) + sum3).Store(total + i + (3 * Lanes.Count));
                return;
            }

            for (; i < width; i += Lanes.Count)
            {
                var sum = Vector512<float>.Zero;
                for (var r = 0; r < rows; r++)
                {
                    sum += Lanes.Load(x[r] + i, width - i);
                }

                Lanes.Store(Lanes.Load(total + i, width - i) + sum, total + i, width - i);
            }
        }
    }
}
