using System.Text.Json;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Objectives.Sequences;
using AgentLightning.Models.Ports;
using AgentLightning.Models.Ports.Tinker;
using AgentLightning.Models.Tensors;
using AgentLightning.Testing;

namespace AgentLightning.Models.Tests;

/// <summary>What a model that learns is asked for, in process and in the words of the wire.</summary>
public sealed class PortTests : IDisposable
{
    private static readonly AdamStep s_update = new(0.01f, new AdamW(WeightDecay: 0), 1);
    private readonly Compute _compute = new(2);
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _compute.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(ReinforcementMethod.Grpo)]
    [InlineData(ReinforcementMethod.DrGrpo)]
    [InlineData(ReinforcementMethod.Dapo)]
    [InlineData(ReinforcementMethod.Bnpo)]
    [InlineData(ReinforcementMethod.Cispo)]
    [InlineData(ReinforcementMethod.ReinforcePlusPlus)]
    public async Task A_sum_with_scaled_advantages_has_the_gradient_of_the_mean_that_a_method_follows(ReinforcementMethod method)
    {
        var (objective, sequences) = (Objective(method), Sequences());
        var (loss, weight) = TinkerLoss.Of(objective);
        var whole = new UpdateSize(sequences.Count, sequences.Sum(sequence => sequence.Drawn.Length), ReverseDigits.Length);
        var wired = sequences
            .Select(sequence =>
                TinkerData.Sequence(Sent(TinkerData.Of(sequence, loss.Name, weight(sequence.Drawn.Length, whole))), loss.Name)
            )
            .ToList();

        var (own, ownNorm, shown) = await LearnAsync(sequences, objective);
        var (wire, wireNorm, _) = await LearnAsync(wired, TinkerLoss.Objective(loss.Name, loss.Config));

        Assert.InRange(wireNorm / ownNorm, 1 - 1e-4, 1 + 1e-4);
        Assert.All(own.Zip(wire), pair => Assert.InRange(pair.Second, pair.First - 1e-4f, pair.First + 1e-4f));
        // Some tokens are clipped, or the test would not tell one loss from another.
        var ratios = sequences.Zip(shown).SelectMany(pair => pair.First.Old.Zip(pair.Second, (old, now) => MathF.Exp(now - old))).ToList();
        Assert.Contains(ratios, ratio => ratio > 1.3f);
        Assert.Contains(ratios, ratio => ratio < 0.7f);
    }

    [Fact]
    public void Losses_have_the_names_of_the_wire_and_bounds_of_the_ratio_itself()
    {
        Assert.Equal("""{"name":"ppo","config":{"clip_low_threshold":0.8,"clip_high_threshold":1.2}}""", Written(ReinforcementMethod.Grpo));
        Assert.Equal(
            """{"name":"ppo","config":{"clip_low_threshold":0.8,"clip_high_threshold":1.28}}""",
            Written(ReinforcementMethod.Dapo)
        );
        Assert.Equal("""{"name":"cispo","config":{"clip_low_threshold":0,"clip_high_threshold":5}}""", Written(ReinforcementMethod.Cispo));
        Assert.Equal("cross_entropy", TinkerLoss.Of(new LikelihoodLoss()).Loss.Name);

        static string Written(ReinforcementMethod method) =>
            JsonSerializer.Serialize(TinkerLoss.Of(Objective(method)).Loss, TinkerJson.Options);
    }

    [Fact]
    public void A_sequence_goes_over_the_wire_as_inputs_targets_and_rows_in_which_what_was_only_read_is_0()
    {
        var sequence = new TokenSequence
        {
            Tokens = [3, 1, 4, 1, 5],
            Drawn = [2, 4],
            Old = [-0.5f, -0.1f],
            Advantages = [2, -1],
        };

        var sent = JsonSerializer.Serialize(TinkerData.Of(sequence, TinkerLoss.Ppo, 0.25), TinkerJson.Options);

        Assert.Equal(
            """{"model_input":{"chunks":[{"tokens":[3,1,4,1],"type":"encoded_text"}]},"loss_fn_inputs":{"target_tokens":{"data":[1,4,1,5],"dtype":"int64"},"advantages":{"data":[0,0.5,0,-0.25],"dtype":"float32","shape":[4]},"logprobs":{"data":[0,-0.5,0,-0.1],"dtype":"float32","shape":[4]}}}""",
            sent
        );
    }

    [Theory]
    [InlineData(ReinforcementMethod.Ppo, 0, 0, 1, "values (ppo)")]
    [InlineData(ReinforcementMethod.Rloo, 0, 0, 1, "whole sequences")]
    [InlineData(ReinforcementMethod.Gspo, 0, 0, 1, "whole sequences")]
    [InlineData(ReinforcementMethod.Grpo, 0.1, 0, 1, "reference")]
    [InlineData(ReinforcementMethod.Cispo, 0, 0.1, 1, "entropy bonus")]
    [InlineData(ReinforcementMethod.Dapo, 0, 0, 0.7, "temperature 0.7")]
    public void What_the_wire_has_no_word_for_is_refused_with_the_methods_that_it_has(
        ReinforcementMethod method,
        double beta,
        double bonus,
        float temperature,
        string expected
    )
    {
        var options = ReverseDigitsOptions.FromNothing(method, 1) with { Beta = beta, EntropyBonus = bonus };

        var message = Assert
            .Throws<ArgumentException>(() =>
            {
                TinkerLoss.Of(options.Objective());
                TinkerLoss.CheckTemperature(temperature);
            })
            .Message;

        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.Contains("grpo, dr_grpo, dapo, bnpo, cispo and reinforce++", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sft", null, null, "There is no loss 'sft'")]
    [InlineData("ppo", "clip", 0.2, "has no setting 'clip'")]
    [InlineData("cross_entropy", "clip_low_threshold", 0.8, "It has none")]
    [InlineData("ppo", "clip_high_threshold", 0.2, "the bounds of the ratio itself")]
    [InlineData("cispo", "clip_low_threshold", double.NaN, "the bounds of the ratio itself")]
    public void A_loss_or_a_setting_that_there_is_not_is_refused(string name, string? key, double? value, string expected)
    {
        var config = key is null ? null : new Dictionary<string, double> { [key] = value!.Value };

        Assert.Contains(
            expected,
            Assert.Throws<ArgumentException>(() => TinkerLoss.Objective(name, config)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task What_was_saved_comes_back_with_its_optimizer()
    {
        using var model = Model();
        await using var port = new LocalModelPort(new LanguagePolicy(model, _compute), new LocalPortOptions { Folder = _folder.Path });
        await StepAsync();
        var path = await port.SaveAsync("one", Token);
        await StepAsync();
        var after = Weights(model);
        await StepAsync();

        await port.LoadAsync(path, Token);
        await StepAsync();

        Assert.Equal(after, Weights(model));
        await port.DeleteAsync(path, Token);
        Assert.False(Directory.Exists(path));

        async Task StepAsync()
        {
            await port.ForwardBackwardAsync(Sequences(), new GroupPolicyLoss(), ReverseDigits.Length, new MetricSums(), Token);
            await port.StepAsync(s_update, Token);
        }
    }

    [Fact]
    public async Task Sequences_that_cannot_be_learned_from_are_refused_before_anything_is_computed()
    {
        using var model = Model();
        await using var port = new LocalModelPort(new LanguagePolicy(model, _compute), new LocalPortOptions());
        var good = Sequences()[3];

        Assert.Contains("rising places", await RefusedAsync(good with { Drawn = [0, 1, 2, 3] }), StringComparison.Ordinal);
        Assert.Contains("rising places", await RefusedAsync(good with { Drawn = [] }), StringComparison.Ordinal);
        Assert.Contains("equally many", await RefusedAsync(good with { Old = [-1] }), StringComparison.Ordinal);
        Assert.Contains(
            "NaN",
            await RefusedAsync(good with { Advantages = [.. good.Advantages.Select(_ => float.NaN)] }),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "vocabulary",
            await RefusedAsync(good with { Tokens = [.. good.Tokens.Select(_ => 99)] }),
            StringComparison.Ordinal
        );

        async Task<string> RefusedAsync(TokenSequence wrong) =>
            (
                await Assert.ThrowsAnyAsync<ArgumentException>(() =>
                    port.ForwardBackwardAsync([wrong], new GroupPolicyLoss(), 4, new MetricSums(), Token)
                )
            ).Message;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Log_probabilities_come_back_in_the_order_of_the_sequences_whatever_is_computed_side_by_side(bool sharePrompts)
    {
        using var model = Model();
        await using var port = new LocalModelPort(
            new LanguagePolicy(model, _compute),
            new LocalPortOptions { SharePrompts = sharePrompts, TokensAtOnce = 30 }
        );
        // Two prompts in turn.
        List<TokenSequence> sequences =
        [
            .. Sequences()
                .Select(
                    (sequence, i) =>
                        sequence with
                        {
                            Tokens = [.. i % 2 == 0 ? (int[])[1, 2, 3, 4, 10] : [5, 6, 7, 8, 10], .. sequence.Tokens[5..]],
                        }
                ),
        ];

        var pass = await port.ForwardBackwardAsync(sequences, new GroupPolicyLoss(), ReverseDigits.Length, new MetricSums(), Token);

        foreach (var (sequence, shown) in sequences.Zip(pass.LogProbabilities))
        {
            var alone = (await port.ScoreAsync([sequence], ScoredBy.Policy, Token))[0].LogProbabilities;
            Assert.Equal(alone.Length, shown.Length);
            Assert.All(alone.Zip(shown), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        }
    }

    private static ISequenceObjective Objective(ReinforcementMethod method) => ReverseDigitsOptions.FromNothing(method, 1).Objective();

    private static Transformer Model()
    {
        var model = Transformer.Create(ReverseDigits.Config, 5);
        model.Train(true);
        return model;
    }

    /// <summary>Of several lengths, drawn by another policy.</summary>
    private static List<TokenSequence> Sequences()
    {
        var random = new SeededRandom(3);
        return
        [
            .. Enumerable
                .Range(0, 12)
                .Select(i =>
                {
                    var drawn = 1 + (i % ReverseDigits.Length);
                    return new TokenSequence
                    {
                        Tokens = [.. Enumerable.Range(0, ReverseDigits.Length + 1 + drawn).Select(_ => random.NextInt(11))],
                        Drawn = [.. Enumerable.Range(ReverseDigits.Length + 1, drawn)],
                        Old = [.. Enumerable.Range(0, drawn).Select(_ => -1.4f - (2 * random.NextSingle()))],
                        Advantages = [.. Enumerable.Repeat(random.NextNormal(), drawn)],
                    };
                }),
        ];
    }

    private static Datum Sent(Datum datum) =>
        JsonSerializer.Deserialize<Datum>(JsonSerializer.Serialize(datum, TinkerJson.Options), TinkerJson.Options)!;

    private async Task<(float[] Weights, double Norm, IReadOnlyList<float[]> Shown)> LearnAsync(
        IReadOnlyList<TokenSequence> sequences,
        ISequenceObjective objective
    )
    {
        using var model = Model();
        await using var port = new LocalModelPort(new LanguagePolicy(model, _compute), new LocalPortOptions());
        var pass = await port.ForwardBackwardAsync(sequences, objective, ReverseDigits.Length, new MetricSums(), Token);
        var norm = await port.StepAsync(s_update, Token);
        return (Weights(model), norm!.Value, pass.LogProbabilities);
    }

    private static float[] Weights(Transformer model) =>
        [
            .. model.Parameters.SelectMany(parameter =>
            {
                var values = new float[parameter.Count];
                parameter.Read(0, values);
                return values;
            }),
        ];
}
