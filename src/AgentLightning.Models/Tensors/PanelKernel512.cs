using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace AgentLightning.Models.Tensors;

/// <summary>Tiles of 8 × 32, 4 × 32, 2 × 32 and 1 × 32 with AVX-512: 16 sums in registers hide the latency of two multipliers.</summary>
internal sealed unsafe class PanelKernel512 : PanelKernel
{
    private const int Ahead = 8192;

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
        switch (type)
        {
            case StoredType.F32:
                Multiply<F32Load>(m, k, a, aRow, aStep, (byte*)panel, c, cRow, start, startRow);
                break;
            case StoredType.BF16:
                Multiply<BF16Load>(m, k, a, aRow, aStep, (byte*)panel, c, cRow, start, startRow);
                break;
            default:
                Multiply<F16Load>(m, k, a, aRow, aStep, (byte*)panel, c, cRow, start, startRow);
                break;
        }
    }

    /// <summary>
    /// Asks for what comes a little later: a weight that is used once per step comes from memory, and the processor's own foresight ends
    /// with a page.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch(byte* b, int bytes)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(b + Ahead);
            if (bytes > 64)
            {
                Sse.Prefetch0(b + Ahead + 64);
            }
        }
    }

    /// <summary>
    /// Asks for the sums of the next tile, 8 rows further down, before they are loaded: while this one is at work they come from far away.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FetchNext(float* sums, nint row)
    {
        if (!Sse.IsSupported)
        {
            return;
        }

        for (var i = 8; i < 16; i++)
        {
            Sse.Prefetch0(sums + (i * row));
            Sse.Prefetch0(sums + (i * row) + 16);
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
        for (; i <= m - 8; i += 8)
        {
            Rows8<TLoad>(k, a + (i * aRow), aRow, aStep, b, c + (i * cRow), cRow, start is null ? null : start + (i * startRow), startRow);
        }

        if ((m & 4) != 0)
        {
            Rows4<TLoad>(k, a + (i * aRow), aRow, aStep, b, c + (i * cRow), cRow, start is null ? null : start + (i * startRow), startRow);
            i += 4;
        }

        if ((m & 2) != 0)
        {
            Rows2<TLoad>(k, a + (i * aRow), aRow, aStep, b, c + (i * cRow), cRow, start is null ? null : start + (i * startRow), startRow);
            i += 2;
        }

        if ((m & 1) != 0)
        {
            Rows1<TLoad>(k, a + (i * aRow), aRow, aStep, b, c + (i * cRow), cRow, start is null ? null : start + (i * startRow), startRow);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows8<TLoad>(int k, float* a, nint aRow, nint aStep, byte* b, float* c, nint cRow, float* start, nint startRow)
        where TLoad : struct, IPanelLoad
    {
        Vector512<float> c00 = default,
            c01 = default;
        Vector512<float> c10 = default,
            c11 = default;
        Vector512<float> c20 = default,
            c21 = default;
        Vector512<float> c30 = default,
            c31 = default;
        Vector512<float> c40 = default,
            c41 = default;
        Vector512<float> c50 = default,
            c51 = default;
        Vector512<float> c60 = default,
            c61 = default;
        Vector512<float> c70 = default,
            c71 = default;
        if (start is not null)
        {
            (c00, c01) = (Vector512.Load(start), Vector512.Load(start + 16));
            (c10, c11) = (Vector512.Load(start + startRow), Vector512.Load(start + startRow + 16));
            (c20, c21) = (Vector512.Load(start + (2 * startRow)), Vector512.Load(start + (2 * startRow) + 16));
            (c30, c31) = (Vector512.Load(start + (3 * startRow)), Vector512.Load(start + (3 * startRow) + 16));
            (c40, c41) = (Vector512.Load(start + (4 * startRow)), Vector512.Load(start + (4 * startRow) + 16));
            (c50, c51) = (Vector512.Load(start + (5 * startRow)), Vector512.Load(start + (5 * startRow) + 16));
            (c60, c61) = (Vector512.Load(start + (6 * startRow)), Vector512.Load(start + (6 * startRow) + 16));
            (c70, c71) = (Vector512.Load(start + (7 * startRow)), Vector512.Load(start + (7 * startRow) + 16));
        }

        FetchNext(start is null ? c : start, start is null ? cRow : startRow);
        var a4 = a + (4 * aRow);
        for (; k > 0; k--)
        {
            var (b0, b1) = (TLoad.Wide(b, 0), TLoad.Wide(b, 1));
            var v = Vector512.Create(a[0]);
            (c00, c01) = (Vector512.FusedMultiplyAdd(v, b0, c00), Vector512.FusedMultiplyAdd(v, b1, c01));
            v = Vector512.Create(a[aRow]);
            (c10, c11) = (Vector512.FusedMultiplyAdd(v, b0, c10), Vector512.FusedMultiplyAdd(v, b1, c11));
            v = Vector512.Create(a[2 * aRow]);
            (c20, c21) = (Vector512.FusedMultiplyAdd(v, b0, c20), Vector512.FusedMultiplyAdd(v, b1, c21));
            v = Vector512.Create(a[3 * aRow]);
            (c30, c31) = (Vector512.FusedMultiplyAdd(v, b0, c30), Vector512.FusedMultiplyAdd(v, b1, c31));
            v = Vector512.Create(a4[0]);
            (c40, c41) = (Vector512.FusedMultiplyAdd(v, b0, c40), Vector512.FusedMultiplyAdd(v, b1, c41));
            v = Vector512.Create(a4[aRow]);
            (c50, c51) = (Vector512.FusedMultiplyAdd(v, b0, c50), Vector512.FusedMultiplyAdd(v, b1, c51));
            v = Vector512.Create(a4[2 * aRow]);
            (c60, c61) = (Vector512.FusedMultiplyAdd(v, b0, c60), Vector512.FusedMultiplyAdd(v, b1, c61));
            v = Vector512.Create(a4[3 * aRow]);
            (c70, c71) = (Vector512.FusedMultiplyAdd(v, b0, c70), Vector512.FusedMultiplyAdd(v, b1, c71));
            a += aStep;
            a4 += aStep;
            Fetch(b, TLoad.RowBytes);
            b += TLoad.RowBytes;
        }

        c00.Store(c);
        c01.Store(c + 16);
        c10.Store(c + cRow);
        c11.Store(c + cRow + 16);
        c20.Store(c + (2 * cRow));
        c21.Store(c + (2 * cRow) + 16);
        c30.Store(c + (3 * cRow));
        c31.Store(c + (3 * cRow) + 16);
        c40.Store(c + (4 * cRow));
        c41.Store(c + (4 * cRow) + 16);
        c50.Store(c + (5 * cRow));
        c51.Store(c + (5 * cRow) + 16);
        c60.Store(c + (6 * cRow));
        c61.Store(c + (6 * cRow) + 16);
        c70.Store(c + (7 * cRow));
        c71.Store(c + (7 * cRow) + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows4<TLoad>(int k, float* a, nint aRow, nint aStep, byte* b, float* c, nint cRow, float* start, nint startRow)
        where TLoad : struct, IPanelLoad
    {
        Vector512<float> c00 = default,
            c01 = default;
        Vector512<float> c10 = default,
            c11 = default;
        Vector512<float> c20 = default,
            c21 = default;
        Vector512<float> c30 = default,
            c31 = default;
        if (start is not null)
        {
            (c00, c01) = (Vector512.Load(start), Vector512.Load(start + 16));
            (c10, c11) = (Vector512.Load(start + startRow), Vector512.Load(start + startRow + 16));
            (c20, c21) = (Vector512.Load(start + (2 * startRow)), Vector512.Load(start + (2 * startRow) + 16));
            (c30, c31) = (Vector512.Load(start + (3 * startRow)), Vector512.Load(start + (3 * startRow) + 16));
        }

        for (; k > 0; k--)
        {
            var (b0, b1) = (TLoad.Wide(b, 0), TLoad.Wide(b, 1));
            var v = Vector512.Create(a[0]);
            (c00, c01) = (Vector512.FusedMultiplyAdd(v, b0, c00), Vector512.FusedMultiplyAdd(v, b1, c01));
            v = Vector512.Create(a[aRow]);
            (c10, c11) = (Vector512.FusedMultiplyAdd(v, b0, c10), Vector512.FusedMultiplyAdd(v, b1, c11));
            v = Vector512.Create(a[2 * aRow]);
            (c20, c21) = (Vector512.FusedMultiplyAdd(v, b0, c20), Vector512.FusedMultiplyAdd(v, b1, c21));
            v = Vector512.Create(a[3 * aRow]);
            (c30, c31) = (Vector512.FusedMultiplyAdd(v, b0, c30), Vector512.FusedMultiplyAdd(v, b1, c31));
            a += aStep;
            Fetch(b, TLoad.RowBytes);
            b += TLoad.RowBytes;
        }

        c00.Store(c);
        c01.Store(c + 16);
        c10.Store(c + cRow);
        c11.Store(c + cRow + 16);
        c20.Store(c + (2 * cRow));
        c21.Store(c + (2 * cRow) + 16);
        c30.Store(c + (3 * cRow));
        c31.Store(c + (3 * cRow) + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows2<TLoad>(int k, float* a, nint aRow, nint aStep, byte* b, float* c, nint cRow, float* start, nint startRow)
        where TLoad : struct, IPanelLoad
    {
        Vector512<float> c00 = default,
            c01 = default;
        Vector512<float> c10 = default,
            c11 = default;
        if (start is not null)
        {
            (c00, c01) = (Vector512.Load(start), Vector512.Load(start + 16));
            (c10, c11) = (Vector512.Load(start + startRow), Vector512.Load(start + startRow + 16));
        }

        for (; k > 0; k--)
        {
            var (b0, b1) = (TLoad.Wide(b, 0), TLoad.Wide(b, 1));
            var v = Vector512.Create(a[0]);
            (c00, c01) = (Vector512.FusedMultiplyAdd(v, b0, c00), Vector512.FusedMultiplyAdd(v, b1, c01));
            v = Vector512.Create(a[aRow]);
            (c10, c11) = (Vector512.FusedMultiplyAdd(v, b0, c10), Vector512.FusedMultiplyAdd(v, b1, c11));
            a += aStep;
            Fetch(b, TLoad.RowBytes);
            b += TLoad.RowBytes;
        }

        c00.Store(c);
        c01.Store(c + 16);
        c10.Store(c + cRow);
        c11.Store(c + cRow + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rows1<TLoad>(int k, float* a, nint aRow, nint aStep, byte* b, float* c, nint cRow, float* start, nint startRow)
        where TLoad : struct, IPanelLoad
    {
        Vector512<float> c00 = default,
            c01 = default;
        if (start is not null)
        {
            (c00, c01) = (Vector512.Load(start), Vector512.Load(start + 16));
        }

        for (; k > 0; k--)
        {
            var (b0, b1) = (TLoad.Wide(b, 0), TLoad.Wide(b, 1));
            var v = Vector512.Create(a[0]);
            (c00, c01) = (Vector512.FusedMultiplyAdd(v, b0, c00), Vector512.FusedMultiplyAdd(v, b1, c01));
            a += aStep;
            Fetch(b, TLoad.RowBytes);
            b += TLoad.RowBytes;
        }

        c00.Store(c);
        c01.Store(c + 16);
    }
}
