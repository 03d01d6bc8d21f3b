using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AgentLightning.Models.Tensors;

/// <summary>
/// The non-linearity between the two halves of a feed-forward block, over rows of <paramref name="width"/> numbers:
/// GELU in its tanh form, h → y; or, gated, SwiGLU, [g, u] → g·σ(g)·u, where h has twice the width.
/// </summary>
internal readonly struct Activation(int width, bool gated)
{
    private const int RowsPerPart = 8;

    public unsafe void Forward(WorkerPool pool, int rows, Rows h, Rows y) =>
        pool.Run(new ForwardJob(width, gated, rows, h, y), (rows + RowsPerPart - 1) / RowsPerPart);

    /// <summary>Writes dh from h and dy; dh may be h.</summary>
    public unsafe void Backward(WorkerPool pool, int rows, Rows h, Rows dy, Rows dh) =>
        pool.Run(new BackwardJob(width, gated, rows, h, dy, dh), (rows + RowsPerPart - 1) / RowsPerPart);

    /// <summary>½(1 + tanh u) = σ(2u) with u = √(2/π)(x + 0.044715x³).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> GeluGate(Vector512<float> x) =>
        Lanes.Sigmoid(x * Vector512.FusedMultiplyAdd(x * x, Vector512.Create(0.0713548162726f), Vector512.Create(1.59576912161f)));

    private readonly unsafe struct ForwardJob(int width, bool gated, int rows, Rows h, Rows y) : IJob
    {
        public void Run(int part, float* scratch)
        {
            for (var r = part * RowsPerPart; r < Math.Min(rows, (part + 1) * RowsPerPart); r++)
            {
                float* from = h[r],
                    to = y[r];
                for (var i = 0; i < width; i += Lanes.Count)
                {
                    var left = width - i;
                    var x = Lanes.Load(from + i, left);
                    Lanes.Store(gated ? x * Lanes.Sigmoid(x) * Lanes.Load(from + width + i, left) : x * GeluGate(x), to + i, left);
                }
            }
        }
    }

    private readonly unsafe struct BackwardJob(int width, bool gated, int rows, Rows h, Rows dy, Rows dh) : IJob
    {
        public void Run(int part, float* scratch)
        {
            for (var r = part * RowsPerPart; r < Math.Min(rows, (part + 1) * RowsPerPart); r++)
            {
                float* from = h[r],
                    gradient = dy[r],
                    to = dh[r];
                for (var i = 0; i < width; i += Lanes.Count)
                {
                    var left = width - i;
                    var x = Lanes.Load(from + i, left);
                    var g = Lanes.Load(gradient + i, left);
                    if (gated)
                    {
                        var up = Lanes.Load(from + width + i, left);
                        var gate = Lanes.Sigmoid(x);
                        Lanes.Store(g * x * gate, to + width + i, left);
                        Lanes.Store(g * up * gate * (Vector512<float>.One + (x * (Vector512<float>.One - gate))), to + i, left);
                    }
                    else
                    {
                        // σ'(z) = σ(1 − σ) and z' = 2√(2/π)(1 + 3·0.044715x²).
                        var gate = GeluGate(x);
                        var slope = Vector512.FusedMultiplyAdd(x * x, Vector512.Create(0.2140644488178f), Vector512.Create(1.59576912161f));
                        Lanes.Store(g * gate * (Vector512<float>.One + (x * (Vector512<float>.One - gate) * slope)), to + i, left);
                    }
                }
            }
        }
    }
}
