using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Tests;

public sealed class VectorMathTests
{
    /// <summary>Lengths around the widths of vectors, where a tail begins or ends.</summary>
    public static TheoryData<int> Lengths => [0, 1, 3, 7, 8, 15, 16, 17, 31, 32, 33, 64, 100, 257];

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Kernels_agree_with_plain_loops_at_every_length(int length)
    {
        var random = new SeededRandom(length);
        float[] x = [.. Enumerable.Range(0, length).Select(_ => random.NextNormal())];
        float[] y = [.. Enumerable.Range(0, length).Select(_ => random.NextNormal())];

        double dot = 0;
        for (var i = 0; i < length; i++)
        {
            dot += (double)x[i] * y[i];
        }

        Assert.Equal(dot, VectorMath.Dot(x, y), 1e-4);
        var sum = y.ToArray();
        VectorMath.AddScaled(0.37f, x, sum);
        Assert.All(Enumerable.Range(0, length), i => Assert.Equal(y[i] + (0.37 * x[i]), sum[i], 1e-5));
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void AdamW_agrees_with_its_formula_at_every_length(int length)
    {
        var random = new SeededRandom(length, 1);
        float[] w = [.. Enumerable.Range(0, length).Select(_ => random.NextNormal())];
        double[] expected = [.. w.Select(value => (double)value)],
            m1 = new double[length],
            v1 = new double[length];
        float[] m = new float[length],
            v = new float[length];
        var rule = new AdamW(0.9f, 0.99f, 1e-8f, 0.1f);
        for (var step = 1; step <= 5; step++)
        {
            float[] g = [.. Enumerable.Range(0, length).Select(_ => random.NextNormal())];
            rule.Update(w, g, m, v, 0.01f, step);
            for (var i = 0; i < length; i++)
            {
                m1[i] = (0.9 * m1[i]) + (0.1 * g[i]);
                v1[i] = (0.99 * v1[i]) + (0.01 * g[i] * g[i]);
                var (mHat, vHat) = (m1[i] / (1 - Math.Pow(0.9, step)), v1[i] / (1 - Math.Pow(0.99, step)));
                expected[i] -= 0.01 * ((mHat / (Math.Sqrt(vHat) + 1e-8)) + (0.1 * expected[i]));
            }
        }

        Assert.All(Enumerable.Range(0, length), i => Assert.Equal(expected[i], w[i], 1e-4));
    }

    [Fact]
    public void Log_softmax_sums_to_one_and_survives_large_logits()
    {
        float[] z = [1000f, 999f, -1000f];

        VectorMath.LogSoftmax(z);

        Assert.Equal(1, z.Sum(logP => Math.Exp(logP)), 1e-4);
        Assert.Equal(1 / (1 + Math.Exp(-1)), Math.Exp(z[0]), 1e-4);
    }

    [Fact]
    public void Spans_of_different_lengths_are_refused_with_both_lengths()
    {
        var error = Assert.Throws<ArgumentException>(() => VectorMath.Dot(new float[3], new float[4]));

        Assert.Contains("3 and 4", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Seeded_numbers_are_the_same_on_every_machine()
    {
        var random = new SeededRandom(1, 2, 3);

        Assert.Equal(SeededNumbers, Enumerable.Range(0, 5).Select(_ => random.NextInt(1000)));
    }

    private static readonly int[] SeededNumbers = [958, 803, 146, 225, 13];

    [Fact]
    public void The_rule_of_AdamW_made_without_arguments_has_its_defaults_and_moves_nothing_without_a_gradient()
    {
        float[] weights = [1, -2, 3],
            nothing = new float[3],
            first = new float[3],
            second = new float[3];

        new AdamW().Update(weights, nothing, first, second, 0.1f, step: 1);

        Assert.Equal(new AdamW(0.9f, 0.999f, 1e-8f, 0.01f), new AdamW());
        Close.All([0.999f, -1.998f, 2.997f], weights, 1e-6);
    }
}
