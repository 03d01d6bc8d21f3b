using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace AgentLightning.Models.Tensors;

/// <summary>
/// A weight matrix that maps <paramref name="depth"/> inputs to <paramref name="columns"/> outputs, in the order in which the kernel reads
/// it: panels of 32 outputs, each [depth × 32] row by row, the last one filled up with zeros. Packed once, when it is loaded; gradients and
/// moments have the same order, so that training needs no other.
/// </summary>
internal readonly unsafe struct PanelMatrix(void* data, StoredType type, int columns, int depth)
{
    private const int Width = PanelKernel.Width;

    public void* Data => data;

    public StoredType Type => type;

    public int Columns => columns;

    public int Depth => depth;

    public int Panels => PanelsOf(columns);

    /// <summary>Stored numbers, the filling included.</summary>
    public long Count => (long)Panels * Width * depth;

    public static int PanelsOf(int columns) => (columns + Width - 1) / Width;

    /// <summary>Row <paramref name="from"/> of a panel and those below it.</summary>
    public void* Panel(int panel, int from = 0) => (byte*)data + (((((long)panel * depth) + from) * Width) * type.Size());

    /// <summary>The place of weight (output, input) in <see cref="Data"/>.</summary>
    public long IndexOf(int output, int input) => (((((long)output / Width) * depth) + input) * Width) + (output % Width);

    /// <summary><paramref name="count"/> stored numbers, a multiple of 16, as singles.</summary>
    public static void Widen(StoredType type, void* source, float* destination, int count)
    {
        for (var i = 0; i < count; i += Lanes.Count)
        {
            var at = (byte*)source + (i * type.Size());
            var value = type switch
            {
                StoredType.F32 => F32Load.Wide(at, 0),
                StoredType.BF16 => BF16Load.Wide(at, 0),
                _ => F16Load.Wide(at, 0),
            };
            value.Store(destination + i);
        }
    }

    /// <summary>
    /// Makes a panel [depth × 32] of the transpose: destination[d·32 + j] = source[j·stride + d], for j up to <paramref name="rows"/> ≤ 32;
    /// the rest is zero.
    /// </summary>
    public static void PackTransposed(float* source, nint stride, int rows, int depth, float* destination)
    {
        var fullRows = Avx.IsSupported ? rows / 8 * 8 : 0;
        var fullDepth = depth / 8 * 8;
        for (var j = 0; j < fullRows; j += 8)
        {
            for (var d = 0; d < fullDepth; d += 8)
            {
                Transpose8(source + (j * stride) + d, stride, destination + (d * Width) + j);
            }
        }

        for (var d = 0; d < depth; d++)
        {
            for (var j = d < fullDepth ? fullRows : 0; j < Width; j++)
            {
                destination[(d * Width) + j] = j < rows ? source[(j * stride) + d] : 0;
            }
        }
    }

    /// <summary>
    /// Makes panels [room × 32] of rows, a row after the other, as they lie in memory: destination[p·room·32 + d·32 + j] = source[d·stride
    /// + p·32 + j]. What the last panel lacks is zero.
    /// </summary>
    public static void PackRows(float* source, nint stride, int columns, int depth, float* destination, int room)
    {
        for (var d = 0; d < depth; d++, source += stride, destination += Width)
        {
            float* from = source,
                to = destination;
            var left = columns;
            for (; left >= Width; left -= Width, from += Width, to += (nint)room * Width)
            {
                Vector512.Load(from).Store(to);
                Vector512.Load(from + Lanes.Count).Store(to + Lanes.Count);
            }

            if (left > 0)
            {
                Lanes.Load(from, left).Store(to);
                (left > Lanes.Count ? Lanes.Load(from + Lanes.Count, left - Lanes.Count) : Vector512<float>.Zero).Store(to + Lanes.Count);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose8(float* s, nint stride, float* d)
    {
        var (r0, r1, r2, r3) = (
            Vector256.Load(s),
            Vector256.Load(s + stride),
            Vector256.Load(s + (2 * stride)),
            Vector256.Load(s + (3 * stride))
        );
        s += 4 * stride;
        var (r4, r5, r6, r7) = (
            Vector256.Load(s),
            Vector256.Load(s + stride),
            Vector256.Load(s + (2 * stride)),
            Vector256.Load(s + (3 * stride))
        );
        var (t0, t1, t2, t3) = (Avx.UnpackLow(r0, r1), Avx.UnpackHigh(r0, r1), Avx.UnpackLow(r2, r3), Avx.UnpackHigh(r2, r3));
        var (t4, t5, t6, t7) = (Avx.UnpackLow(r4, r5), Avx.UnpackHigh(r4, r5), Avx.UnpackLow(r6, r7), Avx.UnpackHigh(r6, r7));
        (r0, r1, r2, r3) = (Avx.Shuffle(t0, t2, 0x44), Avx.Shuffle(t0, t2, 0xEE), Avx.Shuffle(t1, t3, 0x44), Avx.Shuffle(t1, t3, 0xEE));
        (r4, r5, r6, r7) = (Avx.Shuffle(t4, t6, 0x44), Avx.Shuffle(t4, t6, 0xEE), Avx.Shuffle(t5, t7, 0x44), Avx.Shuffle(t5, t7, 0xEE));
        Avx.Permute2x128(r0, r4, 0x20).Store(d);
        Avx.Permute2x128(r1, r5, 0x20).Store(d + Width);
        Avx.Permute2x128(r2, r6, 0x20).Store(d + (2 * Width));
        Avx.Permute2x128(r3, r7, 0x20).Store(d + (3 * Width));
        Avx.Permute2x128(r0, r4, 0x31).Store(d + (4 * Width));
        Avx.Permute2x128(r1, r5, 0x31).Store(d + (5 * Width));
        Avx.Permute2x128(r2, r6, 0x31).Store(d + (6 * Width));
        Avx.Permute2x128(r3, r7, 0x31).Store(d + (7 * Width));
    }
}
