using AgentLightning.Models.Architectures;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Models.Tests;

/// <summary>
/// The engine against an independent implementation: logits, losses, every gradient and optimizer steps of PyTorch, for each family.
/// </summary>
public sealed class ParityTests : IDisposable
{
    private readonly Compute _compute = new(2);

    public static TheoryData<string> Names => Golden.Names;

    public void Dispose() => _compute.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void Logits_are_those_of_an_independent_implementation(string name)
    {
        using var golden = new Golden(name, _compute);
        using var session = new InferenceSession(golden.Model, _compute, 64);
        var expected = golden.Singles("logits");
        var (tokens, starts) = (golden.Tokens, golden.Starts);
        using CachedSequence first = session.Start(),
            second = session.Start();
        var logits = new float[expected.Length];

        session.Forward([first, second], [starts[1], starts[2] - starts[1]], tokens, [.. Enumerable.Range(0, tokens.Length)], logits);

        Close.All(expected, logits, 2e-5);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Loss_and_every_gradient_are_those_of_an_independent_implementation(string name)
    {
        using var golden = new Golden(name, _compute);
        golden.Model.Train(true);
        using var session = new TrainingSession(golden.Model, _compute);

        var loss = session.CrossEntropy(golden.Tokens, golden.Starts, golden.Positions, golden.Targets, 1f / golden.Targets.Length);

        Assert.Equal(golden.Singles("loss")[0], loss, 1e-5);
        Assert.All(golden.Model.Parameters, parameter =>
            Close.All(golden.Singles($"grad.{parameter.Name}"), Golden.Gradient(parameter), 2e-5, parameter.Name)
        );
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Log_probabilities_entropies_and_the_gradient_of_any_objective_agree_at_a_temperature(string name)
    {
        using var golden = new Golden(name, _compute);
        golden.Model.Train(true);
        using var session = new TrainingSession(golden.Model, _compute);
        float[] logP = new float[8],
            entropy = new float[8];

        session.Forward(golden.Tokens, golden.Starts, golden.Positions, golden.Targets, logP, entropy, temperature: 0.7f);
        session.Backward(golden.Singles("a"), golden.Singles("b"));

        Close.All(golden.Singles("logp"), logP, 2e-5);
        Close.All(golden.Singles("entropy"), entropy, 2e-5);
        using var optimizer = new ParameterOptimizer(golden.Model.Parameters, _compute, new AdamW());
        var norm = golden.Singles("objective_norm")[0];
        Assert.Equal(norm, optimizer.GradientNorm(), norm * 2e-5);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Optimizer_steps_with_clipping_take_the_same_path(string name)
    {
        using var golden = new Golden(name, _compute);
        golden.Model.Train(true);
        using var session = new TrainingSession(golden.Model, _compute);
        using var optimizer = new ParameterOptimizer(golden.Model.Parameters, _compute, new AdamW(0.9f, 0.99f, 1e-8f, 0.1f));

        foreach (var expected in golden.Singles("losses"))
        {
            var loss = session.CrossEntropy(golden.Tokens, golden.Starts, golden.Positions, golden.Targets, 1f / golden.Targets.Length);
            optimizer.Step(1e-2f, clipNorm: 1);
            Assert.Equal(expected, loss, 2e-3);
        }
    }
}
