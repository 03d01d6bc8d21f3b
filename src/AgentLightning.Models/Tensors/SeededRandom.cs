namespace AgentLightning.Models.Tensors;

/// <summary>
/// A random source whose numbers depend only on its seeds, on every machine and version: xoshiro256** (Blackman and Vigna, 2018)
/// seeded through SplitMix64. Several seeds make independent streams, for example (run seed, epoch, example).
/// </summary>
/// <remarks>Not thread-safe, and not for secrets.</remarks>
public sealed class SeededRandom
{
    private ulong _s0,
        _s1,
        _s2,
        _s3;

    public SeededRandom(params ReadOnlySpan<long> seeds)
    {
        var state = 0x9E3779B97F4A7C15UL;
        foreach (var seed in seeds)
        {
            state = SplitMix(ref state) ^ (ulong)seed;
        }

        (_s0, _s1, _s2, _s3) = (SplitMix(ref state), SplitMix(ref state), SplitMix(ref state), SplitMix(ref state));
    }

    /// <summary>A number in [0, 1).</summary>
    public float NextSingle() => (Next() >> 40) * (1f / (1 << 24));

    /// <summary>A number in [0, 1) with 53 random bits.</summary>
    public double NextDouble() => (Next() >> 11) * (1.0 / (1L << 53));

    /// <summary>A whole number in [0, <paramref name="limit"/>); the limit is at least 1.</summary>
    public int NextInt(int limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        return (int)(((Next() >> 32) * (ulong)limit) >> 32);
    }

    /// <summary>A standard normal number (Box–Muller).</summary>
    public float NextNormal()
    {
        var radius = Math.Sqrt(-2 * Math.Log(1 - NextDouble()));
        return (float)(radius * Math.Cos(2 * Math.PI * NextDouble()));
    }

    /// <summary>Puts the items in random order (Fisher–Yates).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = NextInt(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    /// <summary>An index drawn with the given log-probabilities, which must sum to 1 as probabilities.</summary>
    public int Sample(ReadOnlySpan<float> logProbabilities)
    {
        var u = NextSingle();
        for (var i = 0; i < logProbabilities.Length - 1; i++)
        {
            u -= MathF.Exp(logProbabilities[i]);
            if (u < 0)
            {
                return i;
            }
        }

        return logProbabilities.Length - 1;
    }

    private ulong Next()
    {
        var result = ulong.RotateLeft(_s1 * 5, 7) * 9;
        var t = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= t;
        _s3 = ulong.RotateLeft(_s3, 45);
        return result;
    }

    private static ulong SplitMix(ref ulong state)
    {
        state += 0x9E3779B97F4A7C15UL;
        var z = state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
