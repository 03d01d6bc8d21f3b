using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Rewards;
using AgentLightning.Tests.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace AgentLightning.Tests.Deployments;

public sealed class RewardGuardTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_release_whose_running_reward_falls_is_rolled_back_with_the_figures_as_the_reason()
    {
        await using var product = await Product.OpenAsync();
        var good = await ReleaseTests.PromoteAsync(product, "good", "label");
        await RewardAsync(product, good, 40, i => i % 10 == 0 ? -1 : 1);
        var bad = await ReleaseTests.PromoteAsync(product, "bad", "label");

        var answered = await RewardUntilLeftAsync(product, bad, i => i % 3 == 0 ? 1 : -1);

        var active = await product.Get<IDeploymentStore>().FindActiveAsync(Product.Agent, "production", Token);
        Assert.InRange(answered, 20, 60);
        Assert.Equal((good.TunedModelName, bad.Id, "reward-guard"), (active!.TunedModelName, active.RollbackFrom, active.PromotedBy));
        Assert.Contains("fell below 0.800 of the release before", active.RollbackReason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_release_as_good_as_the_one_before_stays()
    {
        await using var product = await Product.OpenAsync();
        var before = await ReleaseTests.PromoteAsync(product, "before", "label");
        await RewardAsync(product, before, 60, i => i % 4 == 0 ? -1 : 1);
        var after = await ReleaseTests.PromoteAsync(product, "after", "label");

        await RewardAsync(product, after, 120, i => i % 4 == 1 ? -1 : 1);

        Assert.Equal(after.Id, (await product.Get<IDeploymentStore>().FindActiveAsync(Product.Agent, "production", Token))!.Id);
    }

    [Fact]
    public async Task Without_rewards_of_the_release_before_the_guard_does_not_judge()
    {
        await using var product = await Product.OpenAsync();
        await ReleaseTests.PromoteAsync(product, "before", "label");
        var after = await ReleaseTests.PromoteAsync(product, "after", "label");

        await RewardAsync(product, after, 60, _ => -1);

        Assert.Equal(after.Id, (await product.Get<IDeploymentStore>().FindActiveAsync(Product.Agent, "production", Token))!.Id);
    }

    [Fact]
    public async Task Late_rewards_for_a_release_that_was_left_change_nothing()
    {
        await using var product = await Product.OpenAsync();
        var good = await ReleaseTests.PromoteAsync(product, "good", "label");
        await RewardAsync(product, good, 40, _ => 1);
        var bad = await ReleaseTests.PromoteAsync(product, "bad", "label");
        await RewardUntilLeftAsync(product, bad, _ => -1);
        var active = await product.Get<IDeploymentStore>().FindActiveAsync(Product.Agent, "production", Token);

        await RewardAsync(product, bad, 30, _ => -1, "late");

        Assert.Equal(active, await product.Get<IDeploymentStore>().FindActiveAsync(Product.Agent, "production", Token));
    }

    [Fact]
    public async Task False_alarms_are_rare_though_the_guard_looks_after_every_reward()
    {
        await using var product = await Product.OpenAsync();
        var alarms = 0;
        for (var trial = 0; trial < 20; trial++)
        {
            var random = new Random(trial);
            var before = await ReleaseTests.PromoteAsync(product, $"before{trial}", "label");
            await RewardAsync(product, before, 40, _ => random.NextDouble() < 0.7 ? 1 : -1, $"before{trial}");
            var after = await ReleaseTests.PromoteAsync(product, $"after{trial}", "label");
            await RewardAsync(product, after, 60, _ => random.NextDouble() < 0.7 ? 1 : -1, $"after{trial}");
            alarms += (await product.Get<IDeploymentStore>().FindActiveAsync(Product.Agent, "production", Token))!.Id == after.Id ? 0 : 1;
        }

        Assert.InRange(alarms, 0, 2);
    }

    [Theory]
    [InlineData(4, 500, 0.1, 0.01, "FewestRewards")]
    [InlineData(20, 10, 0.1, 0.01, "Window")]
    [InlineData(20, 500, double.NaN, 0.01, "Tolerance")]
    [InlineData(20, 500, 0.1, 0, "Alpha")]
    public async Task Options_out_of_range_are_named(int fewest, int window, double tolerance, double alpha, string name)
    {
        await using var product = await Product.OpenAsync();
        var options = new RewardGuardOptions
        {
            FewestRewards = fewest,
            Window = window,
            Tolerance = tolerance,
            Alpha = alpha,
        };

        var error = Assert.Throws<LightningException>(() =>
            new RewardGuard(
                product.Get<IDeploymentStore>(),
                product.Get<Rollback>(),
                product.Get<IRewardStore>(),
                options,
                NullLogger<RewardGuard>.Instance
            )
        );

        Assert.StartsWith(name, error.Message, StringComparison.Ordinal);
    }

    private static async Task RewardAsync(Product product, Deployment release, int count, Func<int, double> reward, string prefix = "")
    {
        for (var i = 0; i < count; i++)
        {
            await RewardOneAsync(product, release, $"{prefix}{release.Number}-{i}", reward(i));
        }
    }

    private static async Task<int> RewardUntilLeftAsync(Product product, Deployment release, Func<int, double> reward)
    {
        for (var i = 0; i < 100; i++)
        {
            await RewardOneAsync(product, release, $"{release.Number}-{i}", reward(i));
            if ((await product.Get<IDeploymentStore>().FindActiveAsync(Product.Agent, "production", Token))!.Id != release.Id)
            {
                return i + 1;
            }
        }

        return 100;
    }

    private static async Task RewardOneAsync(Product product, Deployment release, string id, double reward)
    {
        await product.AddRewardedAsync(id, id, "label", 0, deploymentId: release.Id);
        await product.Get<RewardService>().AssignAsync(new RewardRequest(id, reward), Token);
    }
}
