using System.Runtime.Intrinsics;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Generation;

/// <summary>
/// Draws a token from logits: temperature, then top-k, then top-p of what is left, then min-p, then one random number. All of it is
/// arithmetic in one order, so the same logits and number give the same token.
/// </summary>
internal sealed unsafe class Sampler(int vocabulary)
{
    private readonly float[] _probabilities = new float[vocabulary];
    private readonly int[] _ids = new int[vocabulary];

    /// <summary>Logits are written over.</summary>
    /// <param name="logits">[vocabulary], with room for 16 more behind.</param>
    /// <param name="allowed">A bit for each token that may be drawn; empty for all.</param>
    /// <returns>The token and ln p of it before anything is left out.</returns>
    public (int Id, float LogProbability) Sample(
        float* logits,
        GenerationOptions options,
        SeededRandom random,
        ReadOnlySpan<ulong> allowed = default
    )
    {
        var best = Best(logits);
        var top = logits[best];
        if (!float.IsFinite(top))
        {
            throw new InvalidDataException(
                $"The logits of the model are not finite: the largest, of token {best}, is {top}. Its weights are damaged, or training "
                    + $"has diverged."
            );
        }

        var scale = options.Temperature > 0 ? 1 / options.Temperature : 1;
        if (!allowed.IsEmpty)
        {
            return SampleAllowed(logits, top, scale, options, random, allowed);
        }

        var total = Exponentials(logits, top, scale);
        var id = options.Temperature > 0 ? Draw(logits, total, options, random.NextDouble()) : best;
        return (id, MathF.Log(logits[id]) - MathF.Log(total));
    }

    /// <summary>Draws from what is allowed as if there were nothing else; ln p is that of the whole distribution all the same.</summary>
    private (int Id, float LogProbability) SampleAllowed(
        float* logits,
        float top,
        float scale,
        GenerationOptions options,
        SeededRandom random,
        ReadOnlySpan<ulong> allowed
    )
    {
        var whole = (top * scale) + MathF.Log(Sum(logits, top, scale));
        top = Restrict(logits, allowed);
        if (float.IsNegativeInfinity(top))
        {
            throw new InvalidDataException(
                "No token of the vocabulary may come next under the grammar. A stop token of the options may be one that it needs."
            );
        }

        if (options.Temperature <= 0)
        {
            return (new ReadOnlySpan<float>(logits, vocabulary).IndexOf(top), (top * scale) - whole);
        }

        var sum = Vector512<float>.Zero;
        for (var i = 0; i < vocabulary; i += Lanes.Count)
        {
            // Exponentials are never quite zero.
            var e = Lanes.Exp((Lanes.Load(logits + i, vocabulary - i) - Vector512.Create(top)) * scale) & IsAllowed(allowed, i);
            sum += e;
            Lanes.Store(e, logits + i, vocabulary - i);
        }

        var id = Draw(logits, Vector512.Sum(sum), options, random.NextDouble());
        return (id, (top * scale) + MathF.Log(logits[id]) - whole);
    }

    /// <summary>Makes all others impossible, and returns the largest that is left.</summary>
    private float Restrict(float* logits, ReadOnlySpan<ulong> allowed)
    {
        var (none, top) = (Vector512.Create(float.NegativeInfinity), Vector512.Create(float.NegativeInfinity));
        for (var i = 0; i < vocabulary; i += Lanes.Count)
        {
            var kept = Vector512.ConditionalSelect(IsAllowed(allowed, i) & Lanes.Below(vocabulary - i), Vector512.Load(logits + i), none);
            top = Vector512.Max(top, kept);
            Lanes.Store(kept, logits + i, vocabulary - i);
        }

        return Lanes.Max(top);
    }

    private static Vector512<float> IsAllowed(ReadOnlySpan<ulong> allowed, int from)
    {
        var bit = Vector512.Create(
            1,
            1 << 1,
            1 << 2,
            1 << 3,
            1 << 4,
            1 << 5,
            1 << 6,
            1 << 7,
            1 << 8,
            1 << 9,
            1 << 10,
            1 << 11,
            1 << 12,
            1 << 13,
            1 << 14,
            1 << 15
        );
        return Vector512.Equals(Vector512.Create((int)(allowed[from >> 6] >> (from & 63)) & 0xFFFF) & bit, bit).AsSingle();
    }

    private float Sum(float* logits, float top, float scale)
    {
        var sum = Vector512<float>.Zero;
        for (var i = 0; i < vocabulary; i += Lanes.Count)
        {
            var left = vocabulary - i;
            sum += Lanes.Exp((Lanes.Load(logits + i, left) - Vector512.Create(top)) * scale) & Lanes.Below(left);
        }

        return Vector512.Sum(sum);
    }

    private int Best(float* logits)
    {
        var best = 0;
        for (var i = 1; i < vocabulary; i++)
        {
            best = logits[i] > logits[best] || float.IsNaN(logits[i]) ? i : best;
        }

        return best;
    }

    private float Exponentials(float* logits, float top, float scale)
    {
        var sum = Vector512<float>.Zero;
        for (var i = 0; i < vocabulary; i += Lanes.Count)
        {
            var left = vocabulary - i;
            var e = Lanes.Exp((Lanes.Load(logits + i, left) - Vector512.Create(top)) * scale) & Lanes.Below(left);
            sum += e;
            Lanes.Store(e, logits + i, left);
        }

        return Vector512.Sum(sum);
    }

    private int Draw(float* weights, float total, GenerationOptions options, double random)
    {
        var floor = options.MinP;
        if (options.TopK == 0 && options.TopP >= 1)
        {
            return Pick(
                new ReadOnlySpan<float>(weights, vocabulary),
                default,
                floor,
                floor > 0 ? Kept(new ReadOnlySpan<float>(weights, vocabulary), floor) : total,
                random
            );
        }

        // A token below this cannot be among the likeliest that reach top-p: all such together do not make up the rest.
        var least = options.TopK == 0 ? (1 - options.TopP) * total / vocabulary : 0;
        var count = 0;
        // Sorting twice as many now and then costs less than sorting all.
        var limit = options.TopK is > 0 and < int.MaxValue / 2 ? Math.Max(2 * options.TopK, 256) : int.MaxValue;
        for (var i = 0; i < vocabulary; i++)
        {
            if (weights[i] >= least && weights[i] > 0)
            {
                (_probabilities[count], _ids[count++]) = (-weights[i], i);
                if (count == limit)
                {
                    _probabilities.AsSpan(0, count).Sort(_ids.AsSpan(0, count));
                    count = options.TopK;
                    least = -_probabilities[count - 1];
                }
            }
        }

        var sorted = _probabilities.AsSpan(0, count);
        var ids = _ids.AsSpan(0, count);
        sorted.Sort(ids);
        foreach (ref var weight in sorted)
        {
            weight = -weight;
        }

        count = options.TopK == 0 ? count : Math.Min(options.TopK, count);
        var whole = 0f;
        for (var i = 0; i < count && options.TopK > 0; i++)
        {
            whole += sorted[i];
        }

        var (reached, wanted) = (0f, options.TopP * (options.TopK > 0 ? whole : total));
        for (var i = 0; i < count && options.TopP < 1; i++)
        {
            reached += sorted[i];
            count = reached >= wanted ? i + 1 : count;
        }

        return Pick(sorted[..count], ids, floor, Kept(sorted[..count], floor), random);
    }

    private static float Kept(ReadOnlySpan<float> weights, float floor)
    {
        var sum = 0f;
        foreach (var weight in weights)
        {
            sum += weight >= floor ? weight : 0;
        }

        return sum;
    }

    /// <summary>The largest weight is 1, so the floor of min-p is a weight.</summary>
    private static int Pick(ReadOnlySpan<float> weights, ReadOnlySpan<int> ids, float floor, float total, double random)
    {
        var left = random * total;
        var last = 0;
        for (var i = 0; i < weights.Length; i++)
        {
            if (weights[i] >= floor && weights[i] > 0)
            {
                last = i;
                left -= weights[i];
                if (left < 0)
                {
                    break;
                }
            }
        }

        return ids.IsEmpty ? last : ids[last];
    }
}
