using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AgentLightning.Models.Tensors;

/// <summary>Sixteen numbers at a time, with rows of any length: what lies beyond the end of a row reads as zero and is not written.</summary>
internal static unsafe class Lanes
{
    public const int Count = 16;

    /// <param name="left">Numbers up to the end of the row; 16 and more is a whole vector.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* p, int left) => left >= Count ? Vector512.Load(p) : LoadTail(p, left);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<float> value, float* p, int left)
    {
        if (left >= Count)
        {
            value.Store(p);
        }
        else
        {
            StoreTail(value, p, left);
        }
    }

    /// <summary>eˣ to within 2 units in the last place; below −87 it is nearly 0, above 88 it stays finite.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        x = Vector512.Min(Vector512.Max(x, Vector512.Create(-87.3f)), Vector512.Create(88.3f));
        var n = Vector512.Round(x * 1.44269504f);
        var r = Vector512.FusedMultiplyAdd(n, Vector512.Create(-0.693359375f), x);
        r = Vector512.FusedMultiplyAdd(n, Vector512.Create(2.12194440e-4f), r);
        var p = Vector512.FusedMultiplyAdd(Vector512.Create(1.9875691500e-4f), r, Vector512.Create(1.3981999507e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(8.3334519073e-3f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(4.1665795894e-2f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(1.6666665459e-1f));
        p = Vector512.FusedMultiplyAdd(p, r, Vector512.Create(5.0000001201e-1f));
        p = Vector512.FusedMultiplyAdd(p, r * r, r + Vector512<float>.One);
        return p * ((Vector512.ConvertToInt32Native(n) + Vector512.Create(127)) << 23).AsSingle();
    }

    /// <summary>1 / (1 + e⁻ˣ).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sigmoid(Vector512<float> x) => Vector512<float>.One / (Vector512<float>.One + Exp(-x));

    /// <summary>Σ x[i]·y[i].</summary>
    public static float Dot(float* x, float* y, int n)
    {
        var sum = Vector512<float>.Zero;
        for (var i = 0; i < n; i += Count)
        {
            sum = Vector512.FusedMultiplyAdd(Load(x + i, n - i), Load(y + i, n - i), sum);
        }

        return Vector512.Sum(sum);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Vector512<float> LoadTail(float* p, int left)
    {
        var tail = stackalloc float[Count];
        new ReadOnlySpan<float>(p, left).CopyTo(new Span<float>(tail, Count));
        new Span<float>(tail + left, Count - left).Clear();
        return Vector512.Load(tail);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StoreTail(Vector512<float> value, float* p, int left)
    {
        var tail = stackalloc float[Count];
        value.Store(tail);
        new ReadOnlySpan<float>(tail, left).CopyTo(new Span<float>(p, left));
    }
}
