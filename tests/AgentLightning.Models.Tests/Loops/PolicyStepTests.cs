using AgentLightning.Models.Adapters;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Objectives.Sequences;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Tests;

/// <summary>
/// The way from attempts to gradients: the very tokens that were drawn, however they are packed, through model and value head.
/// </summary>
public sealed class PolicyStepTests : IDisposable
{
    private readonly Compute _compute = new(2);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _compute.Dispose();

    [Fact]
    public async Task What_is_learned_from_are_the_tokens_that_were_drawn_and_not_tokens_of_their_text()
    {
        using var model = TinyLanguage.Model();
        model.Train(true);
        var tokenizer = TinyLanguage.Tokenizer;
        var environment = new Conversation(tokenizer.Encode(" and"));
        RolloutTask[] tasks = [new("a", tokenizer.Encode("the cat")), new("b", tokenizer.Encode("a reader reads"))];
        var options = new ReinforcementOptions
        {
            Steps = 1,
            MaxTokens = 12,
            TasksPerStep = 2,
            Attempts = 6,
            Temperature = 0.8f,
        };
        var lines = new List<ReinforcementEvent>();
        IReadOnlyList<Attempt> attempts = [];

        await ReinforcementLoop.TrainAsync(
            new LanguagePolicy(model, _compute, Tokenizer: tokenizer),
            tasks,
            [],
            environment,
            options with
            {
                LearningRate = 0,
            },
            null,
            false,
            TimeProvider.System,
            lines.Add,
            judged => attempts = judged,
            Token
        );

        Assert.Equal(12, attempts.Count);
        Assert.All(attempts, attempt => Assert.Equal(2, attempt.Turns));
        // Encoding what they say gives other tokens, as it does with any sampled text now and then.
        Assert.Contains(attempts, attempt => !tokenizer.Encode(attempt.Text, addSpecialTokens: false).SequenceEqual(attempt.LastTurn));
        using var step = new PolicyStep(model, _compute, null, 100, options.Temperature, checkpointing: false);
        step.Score([.. attempts.Select(attempt => new LearningSequence(attempt))], (sequence, logProbabilities, _) =>
            Close.All(sequence.Old, logProbabilities, 1e-4)
        );
        Assert.InRange(lines.Single().Find("ratio/max")!.Value, 0.999, 1.001);
        // Observations are read and not learned.
        var observed = attempts[0].Drawn.Zip(attempts[0].Drawn.Skip(1)).Single(pair => pair.Second - pair.First > 1);
        Assert.Equal(environment.Observation, attempts[0].Tokens.Skip(observed.First + 1).Take(observed.Second - observed.First - 1));
        Assert.Equal(attempts.Sum(attempt => attempt.Drawn.Count), lines.Single().Find("num_tokens"));
    }

    [Fact]
    public void Packing_and_order_change_neither_loss_nor_gradient()
    {
        using var model = TinyModels.Create(TransformerFamily.Qwen2, tied: false);
        var sequences = Sequences();
        ISequenceObjective objective = new GroupPolicyLoss(TokenAggregation.SequenceMean, Beta: 0.1, EntropyBonus: 0.01);

        var (loss, gradient, _) = Gradient(model, null, sequences, objective, 100_000);
        foreach (
            var (tokensAtOnce, order) in new[]
            {
                (1, sequences),
                (25, sequences),
                (100_000, sequences.Reverse().ToArray()),
                (20, [.. sequences.Reverse()]),
            }
        )
        {
            var (otherLoss, other, _) = Gradient(model, null, order, objective, tokensAtOnce);
            Assert.Equal(loss, otherLoss, 1e-5);
            Close.All(gradient, other, 1e-5, $"{tokensAtOnce} tokens at once");
        }
    }

    [Fact]
    public void Gradients_of_the_composed_loss_agree_with_differences_through_model_and_value_head()
    {
        using var model = TinyModels.Create(TransformerFamily.Llama, tied: true);
        using var head = new ValueHead(model.Config);
        head.Parameters[0].Write(0, [.. Enumerable.Range(0, model.Config.Width).Select(i => 0.1f * MathF.Sin(i))]);
        var sequences = Sequences();
        var objective = new ActorCriticLoss(ValueClip: 100, ValueWeight: 0.5, EntropyBonus: 0.1, Clip: 0.9);

        var (_, _, parameters) = Gradient(model, head, sequences, objective, 30);
        var random = new SeededRandom(3);
        foreach (var (parameter, gradient) in parameters)
        {
            for (var draw = 0; draw < 3; draw++)
            {
                var at = random.NextInt(gradient.Length);
                var value = new float[1];
                parameter.Read(at, value);
                var difference = (Loss(value[0] + 0.005f) - Loss(value[0] - 0.005f)) / 0.01;
                parameter.Write(at, value);
                Assert.True(
                    Math.Abs(difference - gradient[at]) <= 5e-4 + (0.03 * Math.Abs(difference)),
                    $"{parameter.Name}[{at}]: {gradient[at]}, by differences {difference}"
                );

                double Loss(float changed)
                {
                    parameter.Write(at, [changed]);
                    return Gradient(model, head, sequences, objective, 30).Loss;
                }
            }
        }
    }

    [Fact]
    public void The_reference_is_the_model_without_its_adapter()
    {
        using var model = TinyModels.Create(TransformerFamily.Qwen3, tied: true);
        using var step = new PolicyStep(model, _compute, null, 1000, 1, checkpointing: false);
        var sequences = Sequences();
        var plain = Scores();
        using var adapter = Adapter.Create(model, new AdapterOptions { Rank = 2 }, 1);
        adapter.Attach();
        var policy = new LanguagePolicy(model, _compute, adapter);

        Assert.Equal(plain, Scores());
        foreach (var parameter in adapter.Parameters)
        {
            parameter.Write(0, [.. Enumerable.Range(0, (int)parameter.Count).Select(i => MathF.Cos(i))]);
        }

        Assert.NotEqual(plain, Scores());
        float[] reference = [];
        policy.WithReference(_ => reference = Scores());
        Assert.Equal(plain, reference);
        Assert.True(adapter.IsAttached);

        float[] Scores()
        {
            var all = new List<float>();
            step.Score(sequences, (_, logProbabilities, _) => all.AddRange(logProbabilities));
            return [.. all];
        }
    }

    private (double Loss, float[] Gradient, List<(Parameter Parameter, float[] Gradient)> Parameters) Gradient(
        Transformer model,
        ValueHead? head,
        LearningSequence[] sequences,
        ISequenceObjective objective,
        int tokensAtOnce
    )
    {
        Parameter[] parameters = [.. model.Parameters, .. head?.Parameters ?? []];
        foreach (var parameter in parameters)
        {
            parameter.Train(false);
            parameter.Train(true);
        }

        using var step = new PolicyStep(model, _compute, head, tokensAtOnce, 1, checkpointing: true);
        var loss = step.AddGradient(sequences, objective, 20, new MetricSums());
        var all = parameters
            .Select(parameter =>
            {
                var values = new float[parameter.Count];
                parameter.ReadGradient(0, values);
                return (parameter, values);
            })
            .ToList();
        return (loss, [.. all.SelectMany(one => one.values)], all);
    }

    /// <summary>Some tokens drawn and some only read, with log-probabilities near those of a random model.</summary>
    private static LearningSequence[] Sequences()
    {
        var random = new SeededRandom(5);
        return
        [
            .. Enumerable
                .Range(0, 6)
                .Select(s =>
                {
                    int[] tokens = [.. Enumerable.Range(0, 6 + (2 * s)).Select(_ => random.NextInt(41))];
                    int[] drawn = [.. Enumerable.Range(1, tokens.Length - 1).Where(t => t > 2 && t % 5 != 0)];
                    var sequence = new LearningSequence(tokens, drawn, [.. drawn.Select(_ => -3.7f + (0.2f * random.NextNormal()))])
                    {
                        Reference = [.. drawn.Select(_ => -3.7f + (0.2f * random.NextNormal()))],
                    };
                    Array.Fill(sequence.Advantages, random.NextNormal());
                    for (var t = 0; t < drawn.Length; t++)
                    {
                        (sequence.Values[t], sequence.Returns[t]) = (random.NextNormal(), random.NextNormal());
                    }

                    return sequence;
                }),
        ];
    }

    /// <summary>Two turns: the first is answered with an observation.</summary>
    private sealed class Conversation(int[] observation) : IEnvironment
    {
        public int[] Observation => observation;

        public ValueTask<Turn> StepAsync(Attempt attempt, CancellationToken cancellationToken) =>
            ValueTask.FromResult(attempt.Turns == 1 ? new Turn(0.25, observation) : Turn.Last(attempt.Text.Length % 3));
    }
}
