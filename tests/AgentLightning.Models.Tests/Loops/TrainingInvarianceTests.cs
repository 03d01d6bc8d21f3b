using AgentLightning.Models.Architectures;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Tests;

/// <summary>Configurations that must give the same numbers do; and training learns, or does not, when it should.</summary>
public sealed class TrainingInvarianceTests : IDisposable
{
    private readonly Compute _compute = new(2);

    public static TheoryData<TransformerFamily> Families => [TransformerFamily.Gpt2, TransformerFamily.Qwen3];

    public void Dispose() => _compute.Dispose();

    [Theory]
    [MemberData(nameof(Families))]
    public void Packed_sequences_sequences_alone_and_padded_ones_have_the_same_loss_and_gradients(TransformerFamily family)
    {
        using var model = TinyModels.Create(family, tied: true);
        model.Train(true);
        int[][] rows =
        [
            [1, 2, 3, 4, 5],
            [6, 7, 8],
            [.. Enumerable.Range(0, 40)],
        ];
        var targets = rows.Sum(row => row.Length - 1);

        var packed = Step(model, [rows], targets, padding: 0);
        var alone = Step(model, [.. rows.Select(row => new[] { row })], targets, padding: 0);
        var padded = Step(model, [rows], targets, padding: 9);

        Assert.Equal(packed.Loss, alone.Loss, 1e-5);
        Assert.Equal(packed.Loss, padded.Loss, 1e-5);
        Close.All(packed.Gradients, alone.Gradients, 1e-5);
        Close.All(packed.Gradients, padded.Gradients, 1e-5);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_model_that_has_learned_nothing_finds_every_token_about_equally_likely(TransformerFamily family)
    {
        using var model = Transformer.Create(TinyModels.Config(family, tied: true), 7);
        using var session = new TrainingSession(model, _compute);
        int[] tokens = [.. Enumerable.Range(0, 41)];

        var loss = session.CrossEntropy(tokens, [0, 41], [.. Enumerable.Range(0, 40)], tokens.AsSpan(1), 1f / 40);

        Assert.Equal(Math.Log(model.Config.VocabularySize), loss, 0.05);
    }

    [Fact]
    public void No_sequence_sees_its_neighbour_or_the_future()
    {
        using var model = TinyModels.Create(TransformerFamily.Llama, tied: false);
        using var session = new TrainingSession(model, _compute);
        float[] before = new float[3],
            after = new float[3];
        session.Forward([1, 2, 3, 4, 5, 6, 7], [0, 3, 7], [0, 3, 4], [9, 9, 9], before);

        session.Forward([1, 8, 9, 4, 5, 10, 11], [0, 3, 7], [0, 3, 4], [9, 9, 9], after);

        Assert.Equal(before, after);
    }

    [Fact]
    public void One_batch_is_learned_by_heart_in_full_and_by_adapters_and_not_without_a_learning_rate()
    {
        Assert.InRange(LossAfter(adapters: false, rate: 1e-2f, steps: 100), 0, 0.01);
        // With the output layer as it is, logits can only grow so far apart.
        Assert.InRange(LossAfter(adapters: true, rate: 1e-2f, steps: 200), 0, 0.15);
        Assert.InRange(LossAfter(adapters: false, rate: 0, steps: 100), 1, 100);
    }

    [Fact]
    public void An_adapter_that_is_zero_changes_nothing_and_taken_off_it_leaves_the_base()
    {
        using var model = TinyModels.Create(TransformerFamily.Qwen2, tied: true);
        var plain = LogProbabilities(model);

        var zero = TinyModels.AddAdapters(model, rank: 2, zeroB: true);
        Assert.Equal(plain, LogProbabilities(model));
        var other = TinyModels.AddAdapters(model, rank: 2);
        Assert.NotEqual(plain, LogProbabilities(model));
        foreach (var linear in model.Linears)
        {
            linear.Adapter = null;
        }

        Assert.Equal(plain, LogProbabilities(model));
        zero.Concat(other).ToList().ForEach(parameter => parameter.Dispose());
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void A_step_and_a_decoded_token_allocate_nothing_after_warm_up(TransformerFamily family)
    {
        using var model = TinyModels.Create(family, tied: true);
        model.Train(true);
        using var session = new TrainingSession(model, _compute, new TrainingSessionOptions { Checkpointing = true });
        using var optimizer = new ParameterOptimizer(model.Parameters, _compute, new AdamW());
        using var inference = new InferenceSession(model, _compute, 512);
        using var sequence = inference.Start();
        int[] tokens = [.. Enumerable.Range(0, 40)],
            starts = [0, 25, 40],
            positions = [1, 5, 30],
            targets = [3, 4, 5],
            one = [1],
            token = [7];
        CachedSequence[] sequences = [sequence];
        var logits = new float[41];
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
            session.CrossEntropy(tokens, starts, positions, targets, 1f / 3);
            optimizer.Step(1e-3f, clipNorm: 1);
            inference.Forward(sequences, one, token, logits);
        }
    }

    [Fact]
    public void A_gradient_that_is_no_number_moves_nothing()
    {
        using var model = TinyModels.Create(TransformerFamily.Gpt2, tied: true);
        model.Train(true);
        using var session = new TrainingSession(model, _compute);
        using var optimizer = new ParameterOptimizer(model.Parameters, _compute, new AdamW());
        var before = LogProbabilities(model);
        session.Forward([1, 2, 3], [0, 3], [1], [2], new float[1]);
        session.Backward([float.NaN]);

        Assert.True(double.IsNaN(optimizer.Step(0.1f)));

        Assert.Equal(0, optimizer.Steps);
        Assert.Equal(before, LogProbabilities(model));
        Assert.Equal(0, optimizer.GradientNorm());
    }

    [Fact]
    public void Mistakes_in_a_batch_are_named_with_the_numbers()
    {
        using var model = TinyModels.Create(TransformerFamily.Gpt2, tied: true);
        using var session = new TrainingSession(model, _compute);
        var one = new float[1];

        Check("[0, 2]", () => session.Forward([1, 2, 3], [0, 2], [1], [1], one));
        Check("300 tokens", () => session.Forward(new int[300], [0, 300], [1], [1], one));
        Check("0 tokens", () => session.Forward([1, 2], [0, 0, 2], [1], [1], one));
        Check("token 41", () => session.Forward([1, 41], [0, 2], [1], [1], one));
        Check("target -1", () => session.Forward([1, 2], [0, 2], [1], [-1], one));
        Check("Position 2", () => session.Forward([1, 2], [0, 2], [2], [1], one));
        Check("at least one", () => session.Forward([1, 2], [0, 2], [], [], []));

        static void Check(string part, Action action) =>
            Assert.Contains(part, Assert.ThrowsAny<ArgumentException>(action).Message, StringComparison.Ordinal);
    }

    private double LossAfter(bool adapters, float rate, int steps)
    {
        using var model = TinyModels.Create(TransformerFamily.Llama, tied: false);
        List<Parameter> trained = [];
        if (adapters)
        {
            trained = TinyModels.AddAdapters(model, rank: 8, zeroB: true);
        }
        else
        {
            model.Train(true);
        }

        using var session = new TrainingSession(model, _compute);
        using var optimizer = new ParameterOptimizer(adapters ? trained : model.Parameters, _compute, new AdamW(WeightDecay: 0));
        var loss = 0.0;
        for (var step = 0; step < steps; step++)
        {
            loss = session.CrossEntropy(
                [1, 9, 4, 20, 33, 7, 2, 3, 5, 18],
                [0, 6, 10],
                [0, 1, 2, 3, 4, 6, 7, 8],
                [9, 4, 20, 33, 7, 3, 5, 18],
                1 / 8f
            );
            optimizer.Step(rate, clipNorm: 1);
        }

        trained.ForEach(parameter => parameter.Dispose());
        return loss;
    }

    private float[] LogProbabilities(Transformer model)
    {
        using var session = new TrainingSession(model, _compute);
        var logP = new float[3];
        session.Forward([1, 2, 3, 4], [0, 4], [0, 1, 2], [2, 3, 4], logP);
        return logP;
    }

    /// <summary>
    /// Next-token loss over micro-batches, weighted by all targets; padding is more tokens at the end of a row that nothing is asked about.
    /// </summary>
    private (double Loss, float[] Gradients) Step(Transformer model, int[][][] microBatches, int targets, int padding)
    {
        using var session = new TrainingSession(model, _compute);
        using var optimizer = new ParameterOptimizer(model.Parameters, _compute, new AdamW());
        var loss = 0.0;
        foreach (var rows in microBatches)
        {
            List<int> tokens = [],
                starts = [0],
                positions = [],
                next = [];
            foreach (var row in rows)
            {
                positions.AddRange(Enumerable.Range(tokens.Count, row.Length - 1));
                next.AddRange(row[1..]);
                tokens.AddRange([.. row, .. new int[padding]]);
                starts.Add(tokens.Count);
            }

            loss += session.CrossEntropy([.. tokens], [.. starts], [.. positions], [.. next], 1f / targets);
        }

        float[] gradients = [.. model.Parameters.SelectMany(Golden.Gradient)];
        optimizer.ClearGradients();
        return (loss, gradients);
    }
}
