using AgentLightning.Models.Architectures;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Tests;

/// <summary>Decoding with a cache gives what computing everything again gives, however sequences share, join, leave and go back.</summary>
public sealed class InferenceTests : IDisposable
{
    private readonly Compute _compute = new(2);

    public static TheoryData<string> Names => Golden.Names;

    public void Dispose() => _compute.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void Greedy_decoding_with_a_cache_is_recomputation_token_for_token(string name)
    {
        using var golden = new Golden(name, _compute);
        using var session = new InferenceSession(golden.Model, _compute, 128);
        using var sequence = session.Start();
        var vocabulary = golden.Model.Config.VocabularySize;
        List<int> tokens = [1, 2, 3];
        var logits = new float[vocabulary];
        session.Forward([sequence], [3], [1, 2, 3], logits);
        while (tokens.Count < Math.Min(40, golden.Model.Config.MaxPositions))
        {
            Close.All(Recompute(session, [.. tokens], vocabulary), logits, 1e-5, $"after {tokens.Count} tokens");
            var next = ArgMax(logits);
            Assert.Equal(ArgMax(Recompute(session, [.. tokens], vocabulary)), next);
            tokens.Add(next);
            session.Forward([sequence], [1], [next], logits);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Log_probabilities_of_decoding_are_those_of_training(string name)
    {
        using var golden = new Golden(name, _compute);
        using var inference = new InferenceSession(golden.Model, _compute, 128);
        using var training = new TrainingSession(golden.Model, _compute);
        using var sequence = inference.Start();
        int[] tokens = [5, 9, 2, 2, 30, 7, 1, 12];
        var expected = new float[7];
        training.Forward(tokens, [0, 8], [0, 1, 2, 3, 4, 5, 6], tokens.AsSpan(1), expected);

        var logits = new float[golden.Model.Config.VocabularySize];
        for (var i = 0; i < 7; i++)
        {
            inference.Forward([sequence], [1], [tokens[i]], logits);
            VectorMath.LogSoftmax(logits);
            Assert.Equal(expected[i], logits[tokens[i + 1]], 2e-5);
        }
    }

    [Fact]
    public void Sequences_join_and_leave_a_batch_without_noticing_each_other()
    {
        using var model = TinyModels.Create(TransformerFamily.Qwen3, tied: true);
        using var session = new InferenceSession(model, _compute, 4096);
        var random = new SeededRandom(3);
        var active = new List<(CachedSequence Sequence, List<int> Tokens)>();
        for (var step = 0; step < 120; step++)
        {
            if (active.Count < 6 && random.NextInt(3) == 0)
            {
                active.Add((session.Start(), []));
            }

            if (active.Count > 2 && random.NextInt(6) == 0)
            {
                active[0].Sequence.Dispose();
                active.RemoveAt(0);
            }

            if (active.Count == 0)
            {
                continue;
            }

            var counts = active.Select(_ => random.NextInt(4) == 0 ? 1 + random.NextInt(40) : 1).ToArray();
            var fresh = active
                .SelectMany(
                    (a, s) => Enumerable.Range(0, a.Tokens.Count + counts[s] > 250 ? 0 : counts[s]).Select(_ => (s, Id: random.NextInt(41)))
                )
                .ToList();
            var members = fresh.Select(f => f.s).Distinct().ToArray();
            var logits = new float[members.Length * 41];
            session.Forward(
                members.Select(s => active[s].Sequence).ToArray(),
                members.Select(s => counts[s]).ToArray(),
                fresh.Select(f => f.Id).ToArray(),
                logits
            );
            foreach (var (s, id) in fresh)
            {
                active[s].Tokens.Add(id);
            }

            for (var i = 0; i < members.Length && step % 10 == 0; i++)
            {
                Close.All(
                    Recompute(session, [.. active[members[i]].Tokens], 41),
                    logits.AsSpan(i * 41, 41),
                    1e-5,
                    $"step {step}, sequence {i}"
                );
            }
        }

        active.ForEach(a => a.Sequence.Dispose());
        Assert.Equal(4096, session.FreeTokens);
    }

    [Fact]
    public void A_group_shares_the_pages_of_its_prompt_and_forgetting_does_not_disturb_the_others()
    {
        using var model = TinyModels.Create(TransformerFamily.Llama, tied: false);
        using var session = new InferenceSession(model, _compute, 32 * 8);
        int[] prompt = [.. Enumerable.Range(0, 70).Select(i => i * 7 % 41)];
        var logits = new float[41];
        var first = session.Start();
        session.Forward([first], [70], prompt, logits);
        CachedSequence second = first.Fork(),
            third = first.Fork();
        // Two full pages are shared; each has a page of its own for what follows.
        Assert.Equal(32 * (8 - 2 - 3), session.FreeTokens);

        first.Truncate(40);
        session.Forward([first], [2], [1, 2], logits);
        Close.All(Recompute(session, [.. prompt[..40], 1, 2], 41), logits, 1e-5);
        session.Forward([second], [1], [3], logits);
        Close.All(Recompute(session, [.. prompt, 3], 41), logits, 1e-5);
        first.Dispose();
        second.Dispose();
        session.Forward([third], [1], [4], logits);
        Close.All(Recompute(session, [.. prompt, 4], 41), logits, 1e-5);
        third.Dispose();
        third.Dispose();
        Assert.Equal(32 * 8, session.FreeTokens);
    }

    [Theory]
    [InlineData(StoredType.BF16, 1e-1)]
    [InlineData(StoredType.F16, 1e-2)]
    public void Narrow_weights_change_logits_by_their_rounding_only_at_every_batch_size(StoredType type, double tolerance)
    {
        using var wide = new Golden("qwen2", _compute);
        using var narrow = Checkpoints.HuggingFaceFolder.Load(wide.Folder, _compute, type, TestContext.Current.CancellationToken);
        using InferenceSession exact = new(wide.Model, _compute, 4096),
            rounded = new(narrow, _compute, 4096);
        foreach (var batch in new[] { 1, 3, 8, 20, 40 })
        {
            int[] tokens = [.. Enumerable.Range(0, batch).Select(i => i % 37)],
                counts = [.. Enumerable.Repeat(1, batch)];
            float[] expected = new float[batch * 37],
                actual = new float[batch * 37];
            CachedSequence[] a = [.. counts.Select(_ => exact.Start())],
                b = [.. counts.Select(_ => rounded.Start())];
            exact.Forward(a, counts, tokens, expected);
            rounded.Forward(b, counts, tokens, actual);
            Close.All(expected, actual, tolerance);
            Array.ForEach([.. a, .. b], sequence => sequence.Dispose());
        }
    }

    [Fact]
    public void What_does_not_fit_is_refused_with_the_numbers_before_anything_changes()
    {
        using var model = TinyModels.Create(TransformerFamily.Llama, tied: false);
        using var session = new InferenceSession(model, _compute, 64);
        using CachedSequence one = session.Start(),
            two = session.Start();
        var logits = new float[82];
        var one41 = logits[..41];

        Assert.Contains(
            "needs 3 pages",
            Assert.Throws<InvalidOperationException>(() => session.Forward([one, two], [33, 1], new int[34], logits)).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "gets 257",
            Assert.Throws<ArgumentException>(() => session.Forward([one], [257], new int[257], one41)).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "vocabulary of 41",
            Assert.Throws<ArgumentOutOfRangeException>(() => session.Forward([one], [1], [41], one41)).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "twice",
            Assert.Throws<ArgumentException>(() => session.Forward([one, one], [1, 1], [1, 2], logits)).Message,
            StringComparison.Ordinal
        );
        Assert.Throws<ArgumentException>(() => session.Forward([one], [1], [1, 2], one41));
        Assert.Throws<ArgumentException>(() => session.Forward([one], [1], [1], logits));
        Assert.Equal((0, 0, 64), (one.Length, two.Length, session.FreeTokens));
    }

    private static float[] Recompute(InferenceSession session, int[] tokens, int vocabulary)
    {
        using var sequence = session.Start();
        var logits = new float[vocabulary];
        session.Forward([sequence], [tokens.Length], tokens, logits);
        return logits;
    }

    private static int ArgMax(float[] logits) => Array.IndexOf(logits, logits.Max());
}
