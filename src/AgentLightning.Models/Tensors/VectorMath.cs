using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace AgentLightning.Models.Tensors;

/// <summary>
/// The few dense loops that everything else is made of, on single-precision spans.
/// Written against <see cref="Vector512"/>, which the runtime lowers to two or four narrower vectors where the processor has none.
/// </summary>
/// <remarks>Spans that belong together must have equal lengths; this is checked and named in the message.</remarks>
public static class VectorMath
{
    /// <summary>Adds <paramref name="scale"/> × <paramref name="x"/> to <paramref name="y"/>, element by element.</summary>
    public static void AddScaled(float scale, ReadOnlySpan<float> x, Span<float> y)
    {
        CheckLengths(x.Length, y.Length);
        ref var px = ref MemoryMarshal.GetReference(x);
        ref var py = ref MemoryMarshal.GetReference(y);
        var factor = Vector512.Create(scale);
        var i = 0;
        for (; i <= x.Length - Vector512<float>.Count; i += Vector512<float>.Count)
        {
            Vector512
                .FusedMultiplyAdd(factor, Vector512.LoadUnsafe(ref px, (nuint)i), Vector512.LoadUnsafe(ref py, (nuint)i))
                .StoreUnsafe(ref py, (nuint)i);
        }

        for (; i < x.Length; i++)
        {
            Unsafe.Add(ref py, i) = MathF.FusedMultiplyAdd(scale, Unsafe.Add(ref px, i), Unsafe.Add(ref py, i));
        }
    }

    /// <summary>The sum over i of x[i]·y[i]; 0 for empty spans.</summary>
    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        CheckLengths(x.Length, y.Length);
        ref var px = ref MemoryMarshal.GetReference(x);
        ref var py = ref MemoryMarshal.GetReference(y);
        var sum = Vector512<float>.Zero;
        var i = 0;
        for (; i <= x.Length - Vector512<float>.Count; i += Vector512<float>.Count)
        {
            sum = Vector512.FusedMultiplyAdd(Vector512.LoadUnsafe(ref px, (nuint)i), Vector512.LoadUnsafe(ref py, (nuint)i), sum);
        }

        var total = Vector512.Sum(sum);
        for (; i < x.Length; i++)
        {
            total = MathF.FusedMultiplyAdd(Unsafe.Add(ref px, i), Unsafe.Add(ref py, i), total);
        }

        return total;
    }

    /// <summary>Turns logits into log-probabilities in place: z − log Σ exp z, shifted by the maximum so that it never overflows.</summary>
    public static void LogSoftmax(Span<float> logits)
    {
        var max = float.NegativeInfinity;
        foreach (var z in logits)
        {
            max = MathF.Max(max, z);
        }

        var sum = 0f;
        foreach (var z in logits)
        {
            sum += MathF.Exp(z - max);
        }

        var shift = max + MathF.Log(sum);
        foreach (ref var z in logits)
        {
            z -= shift;
        }
    }

    private static void CheckLengths(int x, int y)
    {
        if (x != y)
        {
            throw new ArgumentException($"The spans must have equal lengths, but they have {x} and {y}.");
        }
    }
}
