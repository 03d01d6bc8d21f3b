using AgentLightning.Models.Tensors;

namespace AgentLightning.Benchmarks;

/// <summary>One matrix product that runs at the peak of the machine.</summary>
internal static unsafe class GemmPeak
{
    private const int Size = 1024;
    private static readonly NativeBuffer s_memory = new(3L * Size * Size * sizeof(float));

    public const double Flops = 2.0 * Size * Size * Size;

    public static void Run(Compute compute)
    {
        var a = (float*)s_memory.Data;
        Gemm.Forward(compute.Pool, Size, a, Size, new PanelMatrix(a + (Size * Size), StoredType.F32, Size, Size), a + (2 * Size * Size), Size, null, 0);
    }
}
