using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AgentLightning.Models.Tensors;

/// <summary>
/// Tiles of 4 × 16 and 1 × 16 with 256-bit vectors (AVX2; elsewhere the runtime makes two of 128 bits): a panel is worked through in two
/// halves.
/// </summary>
internal sealed unsafe class PanelKernel256 : PanelKernel
{
    protected override void MultiplyFull(
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
    )
    {
        for (var half = 0; half < Width; half += 16)
        {
            var b = (byte*)panel + (half * type.Size());
            var s = start is null ? null : start + half;
            switch (type)
            {
                case StoredType.F32:
                    Multiply<F32Load>(m, k, a, aRow, aStep, b, c + half, cRow, s, startRow);
                    break;
                case StoredType.BF16:
                    Multiply<BF16Load>(m, k, a, aRow, aStep, b, c + half, cRow, s, startRow);
                    break;
                default:
                    Multiply<F16Load>(m, k, a, aRow, aStep, b, c + half, cRow, s, startRow);
                    break;
            }
        }
    }

    private static void Multiply<TLoad>(
        int m,
        int k,
        float* a,
        nint aRow,
        nint aStep,
        byte* b,
        float* c,
        nint cRow,
        float* start,
        nint startRow
    )
        where TLoad : struct, IPanelLoad
    {
        var i = 0;
        for (; i <= m - 4; i += 4)
        {
            Rows4<TLoad>(k, a + (i * aRow), aRow, aStep, b, c + (i * cRow), cRow, start is null ? null : start + (i * startRow), startRow);
        }

        for (; i < m; i++)
        {
            Rows1<TLoad>(k, a + (i * aRow), aRow, aStep, b, c + (i * cRow), cRow, start is null ? null : start + (i * startRow), startRow);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows4<TLoad>(int k, float* a, nint aRow, nint aStep, byte* b, float* c, nint cRow, float* start, nint startRow)
        where TLoad : struct, IPanelLoad
    {
        Vector256<float> c00 = default,
            c01 = default;
        Vector256<float> c10 = default,
            c11 = default;
        Vector256<float> c20 = default,
            c21 = default;
        Vector256<float> c30 = default,
            c31 = default;
        if (start is not null)
        {
            (c00, c01) = (Vector256.Load(start), Vector256.Load(start + 8));
            (c10, c11) = (Vector256.Load(start + startRow), Vector256.Load(start + startRow + 8));
            (c20, c21) = (Vector256.Load(start + (2 * startRow)), Vector256.Load(start + (2 * startRow) + 8));
            (c30, c31) = (Vector256.Load(start + (3 * startRow)), Vector256.Load(start + (3 * startRow) + 8));
        }

        for (; k > 0; k--)
        {
            var (b0, b1) = (TLoad.Narrow(b, 0), TLoad.Narrow(b, 1));
            var v = Vector256.Create(a[0]);
            (c00, c01) = (Vector256.FusedMultiplyAdd(v, b0, c00), Vector256.FusedMultiplyAdd(v, b1, c01));
            v = Vector256.Create(a[aRow]);
            (c10, c11) = (Vector256.FusedMultiplyAdd(v, b0, c10), Vector256.FusedMultiplyAdd(v, b1, c11));
            v = Vector256.Create(a[2 * aRow]);
            (c20, c21) = (Vector256.FusedMultiplyAdd(v, b0, c20), Vector256.FusedMultiplyAdd(v, b1, c21));
            v = Vector256.Create(a[3 * aRow]);
            (c30, c31) = (Vector256.FusedMultiplyAdd(v, b0, c30), Vector256.FusedMultiplyAdd(v, b1, c31));
            a += aStep;
            b += TLoad.RowBytes;
        }

        c00.Store(c);
        c01.Store(c + 8);
        c10.Store(c + cRow);
        c11.Store(c + cRow + 8);
        c20.Store(c + (2 * cRow));
        c21.Store(c + (2 * cRow) + 8);
        c30.Store(c + (3 * cRow));
        c31.Store(c + (3 * cRow) + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows1<TLoad>(int k, float* a, nint aRow, nint aStep, byte* b, float* c, nint cRow, float* start, nint startRow)
        where TLoad : struct, IPanelLoad
    {
        Vector256<float> c00 = default,
            c01 = default;
        if (start is not null)
        {
            (c00, c01) = (Vector256.Load(start), Vector256.Load(start + 8));
        }

        for (; k > 0; k--)
        {
            var (b0, b1) = (TLoad.Narrow(b, 0), TLoad.Narrow(b, 1));
            var v = Vector256.Create(a[0]);
            (c00, c01) = (Vector256.FusedMultiplyAdd(v, b0, c00), Vector256.FusedMultiplyAdd(v, b1, c01));
            a += aStep;
            b += TLoad.RowBytes;
        }

        c00.Store(c);
        c01.Store(c + 8);
    }
}
