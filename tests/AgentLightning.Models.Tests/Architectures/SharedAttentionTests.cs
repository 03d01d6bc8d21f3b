using AgentLightning.Models.Architectures;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Tests;

/// <summary>
/// Attention of tails over the sequence they go on from, against plain loops in double precision, and the pass around it.
/// </summary>
public sealed class SharedAttentionTests
{
    // A sequence of one token, one with tails both longer and shorter than a block, one without, and many short tails.
    private static readonly int[] s_lengths = [1, 1, 3, 33, 40, 5, 5, 30, 2, 7, 20, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3];
    private static readonly bool[] s_tails =
    [
        false,
        true,
        true,
        false,
        true,
        true,
        true,
        true,
        true,
        false,
        false,
        true,
        true,
        true,
        true,
        true,
        true,
        true,
        true,
        true,
        true,
        true,
        true,
    ];

    [Theory]
    [InlineData(4, 2, 10, 1)]
    [InlineData(2, 2, 40, 3)]
    public unsafe void Attention_and_its_gradient_are_those_of_plain_loops_and_their_differences(
        int heads,
        int keyValueHeads,
        int headWidth,
        int threads
    )
    {
        var shape = new AttentionShape(heads, keyValueHeads, headWidth);
        var starts = Starts(s_lengths);
        var tokens = starts[^1];
        var random = new SeededRandom(3);
        double[] qkv = [.. Enumerable.Range(0, tokens * shape.RowWidth).Select(_ => (double)random.NextNormal())],
            worth = [.. Enumerable.Range(0, tokens * shape.OutputWidth).Select(_ => (double)random.NextNormal())];
        using var pool = new WorkerPool(threads);
        using var arena = new Arena();
        Rows rows = Fill(arena, qkv, shape.RowWidth),
            dOutput = Fill(arena, worth, shape.OutputWidth),
            output = LayerActivations.Matrix(arena, tokens, shape.OutputWidth),
            gradient = LayerActivations.Matrix(arena, tokens, shape.RowWidth);
        var attention = new Attention(shape, new AttentionBlocks(arena, starts, s_tails), rows, output, arena.Take<float>(tokens * heads));

        attention.Forward(pool);
        attention.Backward(pool, dOutput, gradient);

        Close.All(
            [.. Plain(shape, starts, qkv).Select(value => (float)value)],
            new ReadOnlySpan<float>(output.Data, tokens * shape.OutputWidth),
            1e-5,
            "output"
        );
        var draws = new SeededRandom(4);
        for (var draw = 0; draw < 60; draw++)
        {
            var at = draws.NextInt(qkv.Length);
            var difference = (Loss(1e-5) - Loss(-1e-5)) / 2e-5;
            Assert.True(
                Math.Abs(difference - gradient.Data[at]) <= 1e-4 + (1e-4 * Math.Abs(difference)),
                $"Number {at % shape.RowWidth} of token {at / shape.RowWidth}: {gradient.Data[at]}, by differences {difference}."
            );

            double Loss(double step)
            {
                var kept = qkv[at];
                qkv[at] += step;
                var loss = Plain(shape, starts, qkv).Zip(worth, (value, weight) => value * weight).Sum();
                qkv[at] = kept;
                return loss;
            }
        }
    }

    [Fact]
    public void A_pass_over_tails_allocates_nothing_after_warm_up()
    {
        using var compute = new Compute(2);
        using var model = TinyModels.Create(TransformerFamily.Llama, tied: true);
        model.Train(true);
        using var session = new TrainingSession(model, compute);
        var starts = Starts(s_lengths);
        int[] tokens = [.. Enumerable.Range(0, starts[^1]).Select(i => i % 41)],
            positions = [.. Enumerable.Range(0, starts[^1])];
        var numbers = new float[tokens.Length];
        for (var i = 0; i < 50; i++)
        {
            Run();
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 50; i++)
        {
            Run();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Run()
        {
            session.Forward(tokens, starts, positions, tokens, numbers, tails: s_tails);
            session.Backward(numbers);
        }
    }

    [Fact]
    public void No_tail_sees_another()
    {
        using var compute = new Compute(2);
        using var model = TinyModels.Create(TransformerFamily.Gpt2, tied: true);
        using var session = new TrainingSession(model, compute);
        float[] before = new float[4],
            after = new float[4];
        session.Forward([1, 2, 3, 4, 5, 6, 7], [0, 2, 4, 6, 7], [1, 4, 5, 6], [9, 9, 9, 9], before, tails: [false, true, true, false]);

        session.Forward([1, 2, 8, 9, 5, 6, 7], [0, 2, 4, 6, 7], [1, 4, 5, 6], [9, 9, 9, 9], after, tails: [false, true, true, false]);

        Assert.Equal(before, after);
    }

    [Fact]
    public void Mistakes_in_tails_are_named_with_the_numbers()
    {
        using var compute = new Compute(1);
        using var model = TinyModels.Create(TransformerFamily.Gpt2, tied: true);
        using var session = new TrainingSession(model, compute);

        Check("for 2 sequences there are 1", [0, 1, 3], [false]);
        Check("the first is True", [0, 1, 3], [true, false]);
        Check("Sequence 1 is a tail of 100 tokens after 200", [0, 200, 300], [false, true]);
        Check("Sequence 2 is a tail of 0 tokens after 1", [0, 1, 3, 3], [false, true, true]);

        void Check(string part, int[] starts, bool[] tails) =>
            Assert.Contains(
                part,
                Assert
                    .ThrowsAny<ArgumentException>(() => session.Forward(new int[starts[^1]], starts, [0], [1], new float[1], tails: tails))
                    .Message,
                StringComparison.Ordinal
            );
    }

    private static int[] Starts(int[] lengths)
    {
        var starts = new int[lengths.Length + 1];
        for (var s = 0; s < lengths.Length; s++)
        {
            starts[s + 1] = starts[s] + lengths[s];
        }

        return starts;
    }

    private static unsafe Rows Fill(Arena arena, double[] values, int width)
    {
        var rows = LayerActivations.Matrix(arena, values.Length / width, width);
        for (var i = 0; i < values.Length; i++)
        {
            rows.Data[i] = (float)values[i];
            values[i] = rows.Data[i];
        }

        return rows;
    }

    private static double[] Plain(AttentionShape shape, int[] starts, double[] qkv)
    {
        var output = new double[starts[^1] * shape.OutputWidth];
        int[] sequence = [];
        for (var s = 0; s < s_lengths.Length; s++)
        {
            int[] own = [.. Enumerable.Range(starts[s], s_lengths[s])];
            sequence = s_tails[s] ? sequence : own;
            int[] seen = s_tails[s] ? [.. sequence, .. own] : own;
            foreach (var (token, head) in own.SelectMany(token => Enumerable.Range(0, shape.Heads).Select(head => (token, head))))
            {
                var kv = head / shape.Group;
                int[] keys = [.. seen.Where(key => key <= token)];
                double[] weights =
                [
                    .. keys.Select(key =>
                        Math.Exp(Dot(Row(token, shape.Query(head)), Row(key, shape.Key(kv))) / Math.Sqrt(shape.HeadWidth))
                    ),
                ];
                for (var d = 0; d < shape.HeadWidth; d++)
                {
                    output[(token * shape.OutputWidth) + shape.Query(head) + d] =
                        keys.Zip(weights, (key, weight) => weight * Row(key, shape.Value(kv))[d]).Sum() / weights.Sum();
                }
            }
        }

        return output;

        ReadOnlySpan<double> Row(int token, int column) => qkv.AsSpan((token * shape.RowWidth) + column, shape.HeadWidth);

        static double Dot(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
        {
            double sum = 0;
            for (var i = 0; i < x.Length; i++)
            {
                sum += x[i] * y[i];
            }

            return sum;
        }
    }
}
