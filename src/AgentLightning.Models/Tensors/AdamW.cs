using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace AgentLightning.Models.Tensors;

/// <summary>
/// AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019):
/// m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; w ← w − η(m̂/(√v̂ + ε) + λw).
/// </summary>
/// <param name="Beta1">Decay of the gradient average, 0…1.</param>
/// <param name="Beta2">Decay of the squared-gradient average, 0…1.</param>
/// <param name="Epsilon">Added to the denominator; greater than 0.</param>
/// <param name="WeightDecay">λ, decoupled from the gradient; 0 or more.</param>
public readonly record struct AdamW(float Beta1 = 0.9f, float Beta2 = 0.999f, float Epsilon = 1e-8f, float WeightDecay = 0.01f)
{
    /// <summary>The rule with its defaults; without this a structure begins as zeros, whose ε of 0 divides zero by zero.</summary>
    public AdamW()
        : this(0.9f) { }

    /// <summary>
    /// Updates the parameters <paramref name="w"/> and the moments <paramref name="m"/>, <paramref name="v"/> in place.
    /// <paramref name="step"/> counts from 1 and corrects the bias of the moments. All spans have one length.
    /// </summary>
    /// <param name="gradientScale">What the gradient is multiplied by first, to clip or to average it.</param>
    public void Update(
        Span<float> w,
        ReadOnlySpan<float> gradient,
        Span<float> m,
        Span<float> v,
        float learningRate,
        int step,
        float gradientScale = 1
    )
    {
        if (gradient.Length != w.Length || m.Length != w.Length || v.Length != w.Length)
        {
            throw new ArgumentException(
                $"Parameters, gradient and moments must have equal lengths, but they have {w.Length}, {gradient.Length}, {m.Length} and "
                    + $"{v.Length}."
            );
        }

        var stepSize = learningRate / (1 - MathF.Pow(Beta1, step));
        var inverseRootCorrection = 1 / MathF.Sqrt(1 - MathF.Pow(Beta2, step));
        var keep = 1 - (learningRate * WeightDecay);
        ref var pw = ref MemoryMarshal.GetReference(w);
        ref var pg = ref MemoryMarshal.GetReference(gradient);
        ref var pm = ref MemoryMarshal.GetReference(m);
        ref var pv = ref MemoryMarshal.GetReference(v);
        var i = 0;
        for (; i <= w.Length - Vector512<float>.Count; i += Vector512<float>.Count)
        {
            var at = (nuint)i;
            var g = Vector512.LoadUnsafe(ref pg, at) * gradientScale;
            var mi = (Vector512.LoadUnsafe(ref pm, at) * Beta1) + (g * (1 - Beta1));
            var vi = (Vector512.LoadUnsafe(ref pv, at) * Beta2) + (g * g * (1 - Beta2));
            mi.StoreUnsafe(ref pm, at);
            vi.StoreUnsafe(ref pv, at);
            var denominator = (Vector512.Sqrt(vi) * inverseRootCorrection) + Vector512.Create(Epsilon);
            ((Vector512.LoadUnsafe(ref pw, at) * keep) - (mi * stepSize / denominator)).StoreUnsafe(ref pw, at);
        }

        for (; i < w.Length; i++)
        {
            var g = gradient[i] * gradientScale;
            m[i] = (m[i] * Beta1) + (g * (1 - Beta1));
            v[i] = (v[i] * Beta2) + (g * g * (1 - Beta2));
            w[i] = (w[i] * keep) - (m[i] * stepSize / ((MathF.Sqrt(v[i]) * inverseRootCorrection) + Epsilon));
        }
    }
}
