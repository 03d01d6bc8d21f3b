using System.Runtime.Intrinsics;

namespace AgentLightning.Models.Tensors;

/// <summary>
/// The one inner loop of the engine: C [m × n] = S + A [m × k] · B, where B is a panel of <see cref="Width"/> columns, [k × 32], laid out
/// row by row. Matrix products, attention and decoding are made of it, so an instruction set is one class.
/// </summary>
/// <remarks>
/// Every element of C is summed in the order of k with fused multiply-adds, so results do not depend on how rows are grouped.
/// </remarks>
internal abstract unsafe class PanelKernel
{
    /// <summary>Columns of a panel; the same on every machine, so that packed weights are.</summary>
    public const int Width = 32;

    /// <summary>The fastest kernel of this machine.</summary>
    public static PanelKernel Best { get; } =
        Vector512.IsHardwareAccelerated ? new PanelKernel512()
        : Vector128.IsHardwareAccelerated ? new PanelKernel256()
        : new PanelKernelScalar();

    /// <summary>Multiplies up to 32 columns.</summary>
    /// <param name="n">Columns of C to write, 1…32; the panel always has 32.</param>
    /// <param name="a">A; element (i, p) is at <c>a[i * aRow + p * aStep]</c>, so a transposed matrix needs no copy.</param>
    /// <param name="c">C; row i begins at <c>c[i * cRow]</c>.</param>
    /// <param name="start">S; row i begins at <c>start[i * startRow]</c>. Null is zero, C itself accumulates, and a row stride of 0 is a
    /// bias. Has n columns.</param>
    public void Multiply(
        int m,
        int n,
        int k,
        float* a,
        nint aRow,
        nint aStep,
        void* panel,
        StoredType type,
        float* c,
        nint cRow,
        float* start,
        nint startRow
    )
    {
        if (n == Width)
        {
            MultiplyFull(m, k, a, aRow, aStep, panel, type, c, cRow, start, startRow);
            return;
        }

        const int Rows = 8;
        var tile = stackalloc float[Rows * Width];
        for (var i = 0; i < m; i += Rows)
        {
            var rows = Math.Min(Rows, m - i);
            if (start is not null)
            {
                for (var r = 0; r < rows; r++)
                {
                    new ReadOnlySpan<float>(start + ((i + r) * startRow), n).CopyTo(new Span<float>(tile + (r * Width), Width));
                }
            }

            MultiplyFull(rows, k, a + (i * aRow), aRow, aStep, panel, type, tile, Width, start is null ? null : tile, Width);
            for (var r = 0; r < rows; r++)
            {
                new ReadOnlySpan<float>(tile + (r * Width), n).CopyTo(new Span<float>(c + ((i + r) * cRow), n));
            }
        }
    }

    /// <summary>The same for all 32 columns.</summary>
    protected abstract void MultiplyFull(
        int m,
        int k,
        float* a,
        nint aRow,
        nint aStep,
        void* panel,
        StoredType type,
        float* c,
        nint cRow,
        float* start,
        nint startRow
    );
}
