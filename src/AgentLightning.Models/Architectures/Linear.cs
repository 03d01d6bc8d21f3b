using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Architectures;

/// <summary>y [rows × outputs] = x [rows × inputs] · Wᵀ + b, and, with an adapter, + scale · (x · Aᵀ) · Bᵀ.</summary>
internal sealed unsafe class Linear(Parameter weight, Parameter? bias)
{
    public Parameter Weight => weight;

    public Parameter? Bias => bias;

    /// <summary>Where a low-rank adapter hooks on; it may be set between steps.</summary>
    public LowRankAdapter? Adapter { get; set; }

    public int Outputs => weight.Outputs;

    /// <summary>Its name in adapter files: that of the weight without <c>.weight</c>.</summary>
    public string Name => weight.Name[..^".weight".Length];

    /// <summary>Whether a step changes anything here.</summary>
    public bool IsTrained => weight.IsTrained || bias is { IsTrained: true } || Adapter is { IsTrained: true };

    /// <param name="residual">What is added to y, or rows without data.</param>
    /// <param name="arena">Where the adapter keeps scale · x · Aᵀ for the backward.</param>
    /// <returns>That, or null without an adapter.</returns>
    public float* Forward(WorkerPool pool, Arena arena, int rows, Rows x, Rows y, Rows residual = default)
    {
        var (start, startRow) = ((nint)(bias is null ? null : bias.Vector), (nint)0);
        if (residual.Data is not null)
        {
            (start, startRow) = ((nint)residual.Data, residual.Stride);
            if (bias is not null)
            {
                Elementwise.AddBias(pool, rows, Outputs, residual, bias.Vector, y);
                (start, startRow) = ((nint)y.Data, y.Stride);
            }
        }

        Gemm.Forward(pool, rows, x.Data, x.Stride, weight.Weights, y.Data, y.Stride, (float*)start, startRow);
        return Adapter is null ? null : Adapter.AddForward(pool, arena, rows, x, y);
    }

    /// <summary>Adds to the gradients of what is trained, and writes dx, or adds to it; rows without data want none.</summary>
    public void Backward(WorkerPool pool, Arena arena, int rows, Rows x, Rows dy, Rows dx, bool add, float* low)
    {
        if (weight.IsTrained)
        {
            Gemm.AddGradient(pool, rows, x.Data, x.Stride, dy.Data, dy.Stride, weight.GradientMatrix);
        }

        if (bias is { IsTrained: true })
        {
            Elementwise.AddColumnSums(pool, rows, Outputs, dy, bias.Gradient);
        }

        if (dx.Data is not null)
        {
            Gemm.Backward(pool, rows, dy.Data, dy.Stride, weight.Weights, dx.Data, dx.Stride, add);
        }

        if (low is not null)
        {
            Adapter!.AddBackward(pool, arena, rows, x, dy, dx, low);
        }
    }
}
