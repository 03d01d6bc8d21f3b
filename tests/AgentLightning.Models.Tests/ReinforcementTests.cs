using AgentLightning.Models.Adapters;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Tensors;
using AgentLightning.Testing;

namespace AgentLightning.Models.Tests;

/// <summary>Learning from rewards with language models: real runs on a small task, stopping and going on, and what must not teach.</summary>
public sealed class ReinforcementTests : IDisposable
{
    private readonly Compute _compute = new(2);
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<ReinforcementMethod, long> Runs => [.. from method in Methods from seed in new long[] { 1, 2, 3 } select (method, seed)];

    private static ReinforcementMethod[] Methods => [ReinforcementMethod.Grpo, ReinforcementMethod.DrGrpo, ReinforcementMethod.Rloo, ReinforcementMethod.Ppo];

    public void Dispose()
    {
        _compute.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public async Task A_random_model_learns_to_reverse_digits_from_rewards_alone(ReinforcementMethod method, long seed)
    {
        using var model = Transformer.Create(ReverseDigits.Config, seed);
        model.Train(true);
        var (tasks, heldOut) = ReverseDigits.Tasks(seed);

        var result = await ReinforcementLoop.TrainAsync(new LanguagePolicy(model, _compute), tasks, heldOut, new ReverseDigits(), ReverseDigitsOptions.FromNothing(method, seed), null, false, TimeProvider.System, null, null, Token);

        Assert.InRange(result.Accuracy!.Value, 0.99, 1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task An_adapter_learns_a_shifted_task_on_a_model_that_knows_the_plain_one(long seed)
    {
        using var model = Transformer.Create(ReverseDigits.Config, seed);
        model.Train(true);
        var (tasks, heldOut) = ReverseDigits.Tasks(seed);
        await ReinforcementLoop.TrainAsync(
            new LanguagePolicy(model, _compute), tasks, heldOut, new ReverseDigits(), ReverseDigitsOptions.FromNothing(ReinforcementMethod.Grpo, seed) with { StopAtAccuracy = 0.9 }, null, false, TimeProvider.System, null, null, Token);
        using var adapter = Adapter.Create(model, new AdapterOptions { Rank = 8, Alpha = 16 }, seed);
        adapter.Attach();
        adapter.Train(true);

        var lines = new List<string>();
        var result = await ReinforcementLoop.TrainAsync(
            new LanguagePolicy(model, _compute, adapter), tasks, heldOut, new ReverseDigits(shift: 1), ReverseDigitsOptions.FromAnotherShift(ReinforcementMethod.Grpo, seed), null, false, TimeProvider.System,
            line => { if (line.Step % 20 == 0) lines.Add($"{line.Step} {line.Find("reward"):G3} {line.Find("entropy"):G3} {line.Find("frac_reward_zero_std"):G3} {line.Find("held_out/accuracy")} {line.Find("held_out/reward")}"); }, null, Token);

        TestContext.Current.TestOutputHelper!.WriteLine(string.Join('\n', lines) + result);
        Assert.InRange(result.Accuracy!.Value, 0.99, 1);
    }
}
