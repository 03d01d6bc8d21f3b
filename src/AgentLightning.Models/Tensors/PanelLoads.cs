using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace AgentLightning.Models.Tensors;

/// <summary>Reads 16 or 8 stored numbers of a panel row as singles. A struct, so that the compiler makes a kernel per type.</summary>
internal unsafe interface IPanelLoad
{
    /// <summary>Bytes from one row of a panel to the next.</summary>
    static abstract int RowBytes { get; }

    /// <summary>The numbers 16·<paramref name="index"/> to 16·<paramref name="index"/> + 15.</summary>
    static abstract Vector512<float> Wide(byte* row, int index);

    /// <summary>The numbers 8·<paramref name="index"/> to 8·<paramref name="index"/> + 7.</summary>
    static abstract Vector256<float> Narrow(byte* row, int index);
}

internal readonly unsafe struct F32Load : IPanelLoad
{
    public static int RowBytes => PanelKernel.Width * sizeof(float);

    public static Vector512<float> Wide(byte* row, int index) => Vector512.Load((float*)row + (16 * index));

    public static Vector256<float> Narrow(byte* row, int index) => Vector256.Load((float*)row + (8 * index));
}

/// <summary>The upper half of a single: shifted up it is one.</summary>
internal readonly unsafe struct BF16Load : IPanelLoad
{
    public static int RowBytes => PanelKernel.Width * sizeof(ushort);

    public static Vector512<float> Wide(byte* row, int index) =>
        (Widening.To512(Vector256.Load((ushort*)row + (16 * index))) << 16).AsSingle();

    public static Vector256<float> Narrow(byte* row, int index) =>
        (Widening.To256(Vector128.Load((ushort*)row + (8 * index))) << 16).AsSingle();
}

/// <summary>
/// Exponent and fraction moved to their places and multiplied by 2^112, which corrects the bias of the exponent, subnormal numbers
/// included. Infinities and NaN become large numbers: checkpoints that hold them are refused when they are read.
/// </summary>
internal readonly unsafe struct F16Load : IPanelLoad
{
    private const float Rebias = 5.192297e33f;

    public static int RowBytes => PanelKernel.Width * sizeof(ushort);

    public static Vector512<float> Wide(byte* row, int index)
    {
        var bits = Widening.To512(Vector256.Load((ushort*)row + (16 * index)));
        var magnitude = ((bits & Vector512.Create(0x7FFFu)) << 13).AsSingle() * Rebias;
        return magnitude | ((bits & Vector512.Create(0x8000u)) << 16).AsSingle();
    }

    public static Vector256<float> Narrow(byte* row, int index)
    {
        var bits = Widening.To256(Vector128.Load((ushort*)row + (8 * index)));
        var magnitude = ((bits & Vector256.Create(0x7FFFu)) << 13).AsSingle() * Rebias;
        return magnitude | ((bits & Vector256.Create(0x8000u)) << 16).AsSingle();
    }
}

/// <summary>16-bit numbers to 32 bits, in order.</summary>
internal static class Widening
{
    public static Vector512<uint> To512(Vector256<ushort> value)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.ConvertToVector512UInt32(value);
        }

        var (lower, upper) = Vector256.Widen(value);
        return Vector512.Create(lower, upper);
    }

    public static Vector256<uint> To256(Vector128<ushort> value)
    {
        if (Avx2.IsSupported)
        {
            return Avx2.ConvertToVector256Int32(value).AsUInt32();
        }

        var (lower, upper) = Vector128.Widen(value);
        return Vector256.Create(lower, upper);
    }
}
