using System.Text.Json;
using AgentLightning.Models.Objectives.Advantages;
using AgentLightning.Models.Objectives.Sequences;

namespace AgentLightning.Models.Tests;

/// <summary>
/// Objectives and advantages against what PyTorch computes from the published formulas, made by Fixtures/Objectives/make_objectives.py.
/// </summary>
public sealed class ObjectiveTests
{
    private const double Tolerance = 1e-5;
    private static readonly JsonSerializerOptions s_options = new(JsonSerializerDefaults.Web)
    {
        Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter() },
    };
    private static readonly JsonElement s_golden = JsonDocument
        .Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Fixtures", "Objectives", "objectives.json")))
        .RootElement;

    public static TheoryData<string> Names =>
        [.. s_golden.GetProperty("cases").EnumerateArray().Select(item => item.GetProperty("name").GetString()!)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Loss_gradient_and_metrics_are_those_of_an_independent_computation(string name)
    {
        var golden = Case(name);
        var inputs = new Inputs(golden);
        var metrics = new MetricSums();

        var (loss, gradients) = inputs.Evaluate(Objective(golden), inputs.Whole, metrics);

        Near(golden.GetProperty("loss").GetDouble(), loss, name);
        Close.All(Numbers(golden, "d_log_probabilities"), gradients[0], Tolerance, name);
        Close.All(Numbers(golden, "d_entropies"), gradients[1], Tolerance, name);
        Close.All(Numbers(golden, "d_values"), gradients[2], Tolerance, name);
        Assert.All(golden.GetProperty("metrics").EnumerateObject(), metric =>
            Near(metric.Value.GetDouble(), metrics.Values[metric.Name], metric.Name)
        );
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Gradients_are_those_of_differences_of_the_loss_where_nothing_is_held_constant(string name)
    {
        var golden = Case(name);
        var objective = Objective(golden);
        if (objective is TruncatedWeightLoss or LikelihoodLoss { Dynamic: true })
        {
            return;
        }

        var inputs = new Inputs(golden);
        var (_, gradients) = inputs.Evaluate(objective, inputs.Whole, new MetricSums());
        float[][] variables = [inputs.New, inputs.Entropies, inputs.Values];
        for (var which = 0; which < variables.Length; which++)
        {
            for (var t = 0; t < variables[which].Length; t++)
            {
                var at = variables[which][t];
                double Loss(float value)
                {
                    variables[which][t] = value;
                    return inputs.Evaluate(objective, inputs.Whole, new MetricSums()).Loss;
                }

                var (up, down) = (at + 0.001f, at - 0.001f);
                double above = Loss(up),
                    here = Loss(at),
                    below = Loss(down);
                double left = (here - below) / (at - down),
                    right = (above - here) / (up - at);
                variables[which][t] = at;
                if (Math.Abs(left - right) < 0.05 * Math.Max(Math.Abs(left), 0.01))
                {
                    // At a kink the sides differ, and either is right.
                    Assert.Equal((left + right) / 2, gradients[which][t], 3e-4 + (0.01 * Math.Abs(left)));
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Parts_of_an_update_add_up_to_the_whole_whatever_their_order(string name)
    {
        var golden = Case(name);
        var objective = Objective(golden);
        if (objective is GroupPolicyLoss { Aggregation: TokenAggregation.BatchMean })
        {
            // By definition it depends on the parts.
            return;
        }

        var inputs = new Inputs(golden);
        var (wholeLoss, wholeGradients) = inputs.Evaluate(objective, inputs.Whole, new MetricSums());
        double loss = 0;
        // Two by two, because pairs stay together; from the last on.
        for (var s = inputs.Starts.Length - 3; s >= 0; s -= 2)
        {
            var part = inputs.Part(s, s + 2);
            var (partLoss, partGradients) = part.Evaluate(objective, inputs.Whole, new MetricSums());
            loss += partLoss;
            for (var which = 0; which < 3; which++)
            {
                Close.All(wholeGradients[which].AsSpan(inputs.Starts[s]..inputs.Starts[s + 2]), partGradients[which], 1e-6, name);
            }
        }

        Near(wholeLoss, loss, name);
    }

    [Fact]
    public void Losses_begin_at_the_values_known_for_a_policy_that_is_its_reference()
    {
        var inputs = new Inputs(Case("on-policy"));
        Array.Copy(inputs.New, inputs.Reference, inputs.New.Length);

        Near(Math.Log(2), Loss(new PreferenceLoss()), "sigmoid");
        Near(Math.Log(2), Loss(new PreferenceLoss(PreferenceKind.Robust, Smoothing: 0.1)), "robust");
        Near(25, Loss(new PreferenceLoss(PreferenceKind.Ipo)), "ipo at β = 0.1");
        Near(1, Loss(new PreferenceLoss(PreferenceKind.Hinge)), "hinge");
        Near(1, Loss(new PreferenceLoss(PreferenceKind.ApoZero)), "apo_zero");
        Near(0.5, Loss(new ProspectLoss()), "kto");
        var metrics = new MetricSums();
        inputs.Evaluate(new GroupPolicyLoss(Beta: 0.1), inputs.Whole, metrics);
        inputs.Evaluate(new PreferenceLoss(), inputs.Whole, metrics);
        Near(1, metrics.Values["ratio/mean"], "ratio");
        Near(0, metrics.Values["kl"], "kl");
        Near(0, metrics.Values["rewards/margins"], "margin");

        double Loss(ISequenceObjective objective) => inputs.Evaluate(objective, inputs.Whole, new MetricSums()).Loss;
    }

    [Fact]
    public void Off_policy_is_on_policy_when_the_policies_are_equal()
    {
        var inputs = new Inputs(Case("on-policy"));
        var reinforce = inputs.Evaluate(new LikelihoodLoss(), inputs.Whole, new MetricSums()).Gradients[0];

        Assert.Equal(reinforce, inputs.Evaluate(new GroupPolicyLoss(), inputs.Whole, new MetricSums()).Gradients[0]);
        Assert.Equal(reinforce, inputs.Evaluate(new TruncatedWeightLoss(), inputs.Whole, new MetricSums()).Gradients[0]);
        Assert.Equal(reinforce, inputs.Evaluate(new ActorCriticLoss(ValueWeight: 0), inputs.Whole, new MetricSums()).Gradients[0]);
    }

    [Fact]
    public void Empty_sequences_teach_nothing_and_break_nothing()
    {
        float[] one = [-0.5f];
        ISequenceObjective[] objectives =
        [
            new GroupPolicyLoss(TokenAggregation.SequenceMean),
            new GroupPolicyLoss(BySequence: true),
            new SequenceRatioLoss(),
            new ProspectLoss(),
            new PreferenceLoss(PreferenceKind.Ipo),
        ];
        foreach (var objective in objectives)
        {
            var batch = new SequenceBatch
            {
                Starts = [0, 0, 1],
                LogProbabilities = one,
                OldLogProbabilities = one,
                ReferenceLogProbabilities = one,
                Advantages = [1f],
            };
            var gradient = new float[1];

            var loss = objective.Evaluate(
                batch,
                UpdateSize.Of(batch, 4),
                new SequenceGradients { LogProbabilities = gradient },
                new MetricSums()
            );

            Assert.True(double.IsFinite(loss) && float.IsFinite(gradient[0]), objective.ToString());
        }
    }

    [Fact]
    public void An_objective_says_what_it_misses()
    {
        var message = Assert
            .Throws<ArgumentException>(() =>
            {
                var batch = new SequenceBatch
                {
                    Starts = [0, 2],
                    LogProbabilities = [-1f, -1f],
                    OldLogProbabilities = [-1f],
                };
                new GroupPolicyLoss().Evaluate(
                    batch,
                    UpdateSize.Of(batch, 2),
                    new SequenceGradients { LogProbabilities = new float[2] },
                    new MetricSums()
                );
            })
            .Message;
        Assert.Contains("for each of 2 tokens, but there are 1", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Advantages_of_groups_are_those_of_an_independent_computation()
    {
        double[] rewards = [.. s_golden.GetProperty("rewards").EnumerateArray().Select(value => value.GetDouble())];
        int[] groups = [.. s_golden.GetProperty("groups").EnumerateArray().Select(value => value.GetInt32())];
        foreach (var golden in s_golden.GetProperty("groupAdvantages").EnumerateArray())
        {
            var scale = Enum.Parse<AdvantageScale>(golden.GetProperty("scale").GetString()!);

            var advantages = GroupAdvantages.Of(rewards, groups, scale, golden.GetProperty("leaveOneOut").GetBoolean());

            Close.All(Numbers(golden, "values"), advantages.Values, Tolerance, golden.GetRawText());
            Assert.Equal((4, 1, 1, 0), (advantages.Groups, advantages.WithoutVariance, advantages.Alone, advantages.Unscored));
            Assert.Equal(8, advantages.IsUsed.Count(used => used));
        }
    }

    [Fact]
    public void What_has_no_reward_is_left_out_and_counted_and_the_order_of_groups_changes_nothing()
    {
        var advantages = GroupAdvantages.Of([1, double.NaN, 0, double.PositiveInfinity, 0.5, 0.25], [1, 1, 1, 2, 2, 2]);
        var swapped = GroupAdvantages.Of([double.PositiveInfinity, 0.5, 0.25, 1, double.NaN, 0], [2, 2, 2, 1, 1, 1]);

        Assert.Equal([true, false, true, false, true, true], advantages.IsUsed);
        Assert.Equal(2, advantages.Unscored);
        Assert.All(advantages.Values, value => Assert.True(float.IsFinite(value)));
        Assert.Equal([.. advantages.Values[3..], .. advantages.Values[..3]], swapped.Values);
    }

    [Fact]
    public void Generalized_advantages_and_returns_are_those_of_an_independent_computation()
    {
        int[] starts = [.. s_golden.GetProperty("starts").EnumerateArray().Select(value => value.GetInt32())];
        foreach (var golden in s_golden.GetProperty("generalized").EnumerateArray())
        {
            var (advantages, returns) = (new float[starts[^1]], new float[starts[^1]]);

            new GeneralizedAdvantage(golden.GetProperty("discount").GetDouble(), golden.GetProperty("lambda").GetDouble()).Compute(
                starts,
                Numbers(golden, "rewards"),
                Numbers(s_golden, "values"),
                advantages,
                returns
            );

            Close.All(Numbers(golden, "advantages"), advantages, Tolerance);
            Close.All(Numbers(golden, "returns"), returns, Tolerance);
        }

        foreach (var golden in s_golden.GetProperty("toGo").EnumerateArray())
        {
            var (rewards, returns) = (new float[starts[^1]], new float[starts[^1]]);

            ReturnsToGo.TokenRewards(
                starts,
                Numbers(golden, "scores"),
                Numbers(Case("sft"), "old"),
                Numbers(s_golden, "reference"),
                golden.GetProperty("beta").GetDouble(),
                rewards
            );
            ReturnsToGo.Compute(starts, rewards, golden.GetProperty("discount").GetDouble(), returns);

            Close.All(Numbers(golden, "rewards"), rewards, Tolerance);
            Close.All(Numbers(golden, "returns"), returns, Tolerance);
            ReturnsToGo.Whiten(returns);
            Close.All(Numbers(golden, "whitened"), returns, Tolerance);
        }
    }

    [Fact]
    public void Rejection_keeps_what_reaches_a_threshold_or_is_the_best_of_a_group_that_differs()
    {
        double[] rewards = [0.2, 0.9, 0.9, 0.5, 0.5, double.NaN];

        Assert.Equal([0, 1, 1, 1, 1, 0], RejectionSampling.Reaching(rewards, 0.5));
        Assert.Equal([0, 1, 0, 0, 0, 0], RejectionSampling.BestOfGroup(rewards, [0, 0, 0, 1, 1, 1]));
        Assert.Equal([1, MathF.E, 20], RejectionSampling.Exponential([0, 1, 9], 1));
    }

    private static JsonElement Case(string name) =>
        s_golden.GetProperty("cases").EnumerateArray().Single(item => item.GetProperty("name").GetString() == name);

    private static ISequenceObjective Objective(JsonElement golden)
    {
        var options = golden.GetProperty("options");
        return golden.GetProperty("objective").GetString() switch
        {
            "group" => options.Deserialize<GroupPolicyLoss>(s_options)!,
            "truncated" => options.Deserialize<TruncatedWeightLoss>(s_options)!,
            "sequence" => options.Deserialize<SequenceRatioLoss>(s_options)!,
            "critic" => options.Deserialize<ActorCriticLoss>(s_options)!,
            "likelihood" => options.Deserialize<LikelihoodLoss>(s_options)!,
            "preference" => options.Deserialize<PreferenceLoss>(s_options)!,
            "prospect" => options.Deserialize<ProspectLoss>(s_options)!,
            var unknown => throw new InvalidDataException(unknown),
        };
    }

    private static void Near(double expected, double actual, string what) =>
        Assert.True(
            Math.Abs(expected - actual) <= Tolerance * Math.Max(Math.Abs(expected), 1e-2),
            $"{what}: expected {expected}, got {actual}"
        );

    private static float[] Numbers(JsonElement golden, string name) =>
        [.. golden.GetProperty(name).EnumerateArray().Select(value => value.GetSingle())];

    private sealed record Inputs(
        int[] Starts,
        float[] New,
        float[] Old,
        float[] Reference,
        float[] Entropies,
        float[] Advantages,
        float[] Values,
        float[] OldValues,
        float[] Returns
    )
    {
        public Inputs(JsonElement golden)
            : this(
                [.. s_golden.GetProperty("starts").EnumerateArray().Select(value => value.GetInt32())],
                Numbers(golden, "new"),
                Numbers(golden, "old"),
                Numbers(s_golden, "reference"),
                Numbers(s_golden, "entropies"),
                Numbers(golden, "advantages"),
                Numbers(s_golden, "values"),
                Numbers(s_golden, "oldValues"),
                Numbers(s_golden, "returns")
            ) { }

        public UpdateSize Whole => new(Starts.Length - 1, New.Length, s_golden.GetProperty("maxTokens").GetInt32());

        public Inputs Part(int from, int to)
        {
            var tokens = Starts[from]..Starts[to];
            return new Inputs(
                [.. Starts[from..(to + 1)].Select(start => start - Starts[from])],
                New[tokens],
                Old[tokens],
                Reference[tokens],
                Entropies[tokens],
                Advantages[tokens],
                Values[tokens],
                OldValues[tokens],
                Returns[tokens]
            );
        }

        public (double Loss, float[][] Gradients) Evaluate(ISequenceObjective objective, UpdateSize whole, MetricSums metrics)
        {
            float[][] gradients = [new float[New.Length], new float[New.Length], new float[New.Length]];
            var batch = new SequenceBatch
            {
                Starts = Starts,
                LogProbabilities = New,
                OldLogProbabilities = Old,
                ReferenceLogProbabilities = Reference,
                Entropies = Entropies,
                Advantages = Advantages,
                Values = Values,
                OldValues = OldValues,
                Returns = Returns,
            };
            var loss = objective.Evaluate(
                batch,
                whole,
                new SequenceGradients
                {
                    LogProbabilities = gradients[0],
                    Entropies = gradients[1],
                    Values = gradients[2],
                },
                metrics
            );
            return (loss, gradients);
        }
    }
}
