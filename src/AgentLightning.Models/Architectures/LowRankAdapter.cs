using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Architectures;

/// <summary>
/// A low-rank change of a linear layer (LoRA, Hu et al., 2021): y += scale · (x · Aᵀ) · Bᵀ with A [rank × inputs] and B [outputs × rank].
/// The product B·A is never made.
/// </summary>
/// <param name="scale">α / rank, or α / √rank.</param>
internal sealed unsafe class LowRankAdapter(Parameter a, Parameter b, float scale) : IDisposable
{
    public Parameter A => a;

    public Parameter B => b;

    public float Scale => scale;

    public int Rank => a.Outputs;

    public bool IsTrained => a.IsTrained || b.IsTrained;

    public float* AddForward(WorkerPool pool, Arena arena, int rows, Rows x, Rows y)
    {
        var low = arena.Take<float>((long)rows * Rank);
        Gemm.Forward(pool, rows, x.Data, x.Stride, a.Weights, low, Rank, null, 0);
        Elementwise.Scale(low, (long)rows * Rank, scale);
        Gemm.Forward(pool, rows, low, Rank, b.Weights, y.Data, y.Stride, y.Data, y.Stride);
        return low;
    }

    /// <summary>With h = scale · x·Aᵀ: dB = dyᵀ·h; dh = scale · dy·B; dA = dhᵀ·x; dx += dh·A.</summary>
    public void AddBackward(WorkerPool pool, Arena arena, int rows, Rows x, Rows dy, Rows dx, float* low)
    {
        var mark = arena.Mark();
        if (b.IsTrained)
        {
            Gemm.AddGradient(pool, rows, low, Rank, dy.Data, dy.Stride, b.GradientMatrix);
        }

        var dLow = arena.Take<float>((long)rows * Rank);
        Gemm.Backward(pool, rows, dy.Data, dy.Stride, b.Weights, dLow, Rank, add: false);
        Elementwise.Scale(dLow, (long)rows * Rank, scale);
        if (a.IsTrained)
        {
            Gemm.AddGradient(pool, rows, x.Data, x.Stride, dLow, Rank, a.GradientMatrix);
        }

        if (dx.Data is not null)
        {
            Gemm.Backward(pool, rows, dLow, Rank, a.Weights, dx.Data, dx.Stride, add: true);
        }

        arena.Release(mark);
    }

    public void Dispose()
    {
        a.Dispose();
        b.Dispose();
    }
}
