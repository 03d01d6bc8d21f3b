using AgentLightning.Models.Architectures;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Objectives;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Tests;

/// <summary>Every gradient written by hand is compared with central finite differences of the loss.</summary>
public sealed class GradientTests
{
    public static TheoryData<string> Objectives =>
        ["cross-entropy", "cross-entropy smoothed", "policy gradient", "policy gradient with baseline and entropy", "reward likelihood"];

    [Theory]
    [MemberData(nameof(Objectives))]
    public void The_gradient_of_the_logits_agrees_with_finite_differences(string name)
    {
        var random = new SeededRandom(3);
        for (var trial = 0; trial < 50; trial++)
        {
            float[] logits = [.. Enumerable.Range(0, 5).Select(_ => 2 * random.NextNormal())];
            var sample = new Sample(0, random.NextInt(5), (2 * random.NextSingle()) - 1, -2 * random.NextSingle());
            var gradient = new float[5];
            Of(name).Evaluate(LogSoftmax(logits), sample, gradient);
            var weight = WeightOf(logits, sample);

            for (var i = 0; i < 5; i++)
            {
                const float Step = 1e-2f;
                var difference =
                    (
                        SurrogateLoss(name, Moved(logits, i, Step), sample, weight)
                        - SurrogateLoss(name, Moved(logits, i, -Step), sample, weight)
                    ) / (2 * Step);
                Assert.Equal(difference, gradient[i], 2e-3);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Objectives))]
    public void The_gradient_of_every_kind_of_parameter_agrees_with_finite_differences(string name)
    {
        var (model, texts, labels, _) = Texts.Prepare(12);
        var random = new SeededRandom(9);
        foreach (ref var e in model.Embedding.AsSpan())
        {
            e = 0.3f * random.NextNormal();
        }

        // Answers with probabilities so small that the importance weight is always at its limit, and so constant, as the objective holds
        // it.
        Sample[] batch = [.. labels.Select((label, i) => new Sample(i, (label + (i % 2)) % 4, i % 3 == 0 ? -0.5f : 1, -50))];
        var trainer = new ClassifierTrainer(model, texts, new ClassifierTrainingOptions { BatchSize = batch.Length });
        trainer.ComputeGradients(batch, Of(name));
        var gradients = trainer.Gradients(batch.Length);

        Check(model.Bias, gradients.Bias.ToArray());
        Check(model.Output, gradients.Output.ToArray());
        var touched = Enumerable.Range(0, batch.Length).SelectMany(i => texts.RowsOf(i).ToArray()).Distinct().Take(40).ToList();
        foreach (var row in touched)
        {
            CheckAt(model.Embedding, gradients.Embedding.ToArray(), (row * model.Width) + (row % model.Width));
        }

        void Check(float[] parameters, float[] gradient)
        {
            for (var i = 0; i < parameters.Length; i += Math.Max(1, parameters.Length / 20))
            {
                CheckAt(parameters, gradient, i);
            }
        }

        void CheckAt(float[] parameters, float[] gradient, int i)
        {
            const float Step = 1e-2f;
            var kept = parameters[i];
            parameters[i] = kept + Step;
            var above = Loss();
            parameters[i] = kept - Step;
            var below = Loss();
            parameters[i] = kept;
            Assert.Equal((above - below) / (2 * Step), gradient[i], 2e-3);
        }

        double Loss()
        {
            double sum = 0;
            var scores = new float[4];
            foreach (var sample in batch)
            {
                model.Predict(texts, sample.Text, scores);
                sum += Of(name).Evaluate(scores, sample, new float[4]);
            }

            return sum / batch.Length;
        }
    }

    [Fact]
    public void A_reward_at_the_baseline_teaches_nothing()
    {
        var gradient = new float[3];

        var loss = new PolicyGradient(Baseline: 0.25f).Evaluate(LogSoftmax([1, 2, 3]), new Sample(0, 1, 0.25f, -1), gradient);

        Assert.Equal(0, loss, 1e-7);
        Assert.All(gradient, g => Assert.Equal(0, g, 1e-7));
    }

    [Fact]
    public void A_rewarded_answer_becomes_likelier_and_a_punished_one_less()
    {
        var gradient = new float[3];
        var objective = new PolicyGradient();

        objective.Evaluate(LogSoftmax([0, 0, 0]), new Sample(0, 1, 1, MathF.Log(1 / 3f)), gradient);
        Assert.Equal([1 / 3.0, -2 / 3.0, 1 / 3.0], gradient.Select(g => (double)g), (a, b) => Math.Abs(a - b) < 1e-5);

        objective.Evaluate(LogSoftmax([0, 0, 0]), new Sample(0, 1, -1, MathF.Log(1 / 3f)), gradient);
        Assert.True(gradient[1] > 0);
    }

    private static IObjective Of(string name) =>
        name switch
        {
            "cross-entropy" => new CrossEntropy(),
            "cross-entropy smoothed" => new CrossEntropy(0.2f),
            "policy gradient" => new PolicyGradient(),
            "reward likelihood" => new RewardLikelihood(),
            _ => new PolicyGradient(0.3f, 2f, 0.1f),
        };

    /// <summary>The loss with the importance weight held at its value before the step, as the objective holds it.</summary>
    private static double SurrogateLoss(string name, float[] logits, Sample sample, double weight)
    {
        var logP = LogSoftmax(logits);
        if (!name.StartsWith("policy", StringComparison.Ordinal))
        {
            return Of(name).Evaluate(logP, sample, new float[logits.Length]);
        }

        var objective = (PolicyGradient)Of(name);
        var entropy = -logP.Sum(l => Math.Exp(l) * l);
        return (-Math.Min(weight, objective.WeightLimit) * (sample.Reward - objective.Baseline) * logP[sample.Action])
            - (objective.EntropyBonus * entropy);
    }

    private static double WeightOf(float[] logits, Sample sample) => Math.Exp(LogSoftmax(logits)[sample.Action] - sample.LogProbability);

    private static float[] Moved(float[] logits, int i, float step)
    {
        var moved = logits.ToArray();
        moved[i] += step;
        return moved;
    }

    private static float[] LogSoftmax(float[] logits)
    {
        var logP = logits.ToArray();
        VectorMath.LogSoftmax(logP);
        return logP;
    }
}
