using AgentLightning.Common;
using AgentLightning.Deployments;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class DeploymentStoreConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    private IDeploymentStore Store => Get<IDeploymentStore>();

    [Fact]
    public async Task Activation_replaces_the_active_release_and_numbers_the_new_one()
    {
        var first = await Store.ActivateAsync(Release("d1"), null, Token);
        var second = await Store.ActivateAsync(Release("d2"), "d1", Token);

        Assert.Equal((1, null, true), (first.Number, first.Replaces, first.IsActive));
        Assert.Equal((2, "d1", true), (second.Number, second.Replaces, second.IsActive));
        Assert.False((await Store.FindAsync("d1", Token))!.IsActive);
        Assert.Equal(second, await Store.FindActiveAsync("agent", "production", Token));
        Assert.Equal(["d2", "d1"], (await Store.ListAsync("agent", null, 10, Token)).Select(release => release.Id));
    }

    [Fact]
    public async Task Agents_and_slots_are_apart()
    {
        await Store.ActivateAsync(Release("d1"), null, Token);
        await Store.ActivateAsync(Release("d2") with { Slot = "canary" }, null, Token);
        await Store.ActivateAsync(Release("d3") with { AgentId = "other" }, null, Token);

        Assert.Equal("d1", (await Store.FindActiveAsync("agent", "production", Token))!.Id);
        Assert.Equal("d2", (await Store.FindActiveAsync("agent", "canary", Token))!.Id);
        Assert.Null(await Store.FindActiveAsync("nobody", "production", Token));
        Assert.Equal(2, await Store.CountAsync("agent", Token));
    }

    [Fact]
    public async Task An_activation_that_expected_another_release_changes_nothing()
    {
        await Store.ActivateAsync(Release("d1"), null, Token);

        var error = await Assert.ThrowsAsync<LightningException>(() => Store.ActivateAsync(Release("d2"), null, Token));

        Assert.Equal(ErrorKind.Conflict, error.Kind);
        Assert.Contains("d1", error.Message, StringComparison.Ordinal);
        Assert.Null(await Store.FindAsync("d2", Token));
        Assert.True((await Store.FindAsync("d1", Token))!.IsActive);
    }

    [Fact]
    public async Task A_release_of_a_run_that_does_not_exist_is_refused()
    {
        var error = await Assert.ThrowsAsync<LightningException>(() =>
            Store.ActivateAsync(Release("d1") with { TrainingRunId = "nobody" }, null, Token)
        );

        Assert.Equal(ErrorKind.Conflict, error.Kind);
        Assert.Null(await Store.FindActiveAsync("agent", "production", Token));
    }

    [Fact]
    public async Task Of_many_promotions_at_the_same_moment_from_two_processes_one_wins()
    {
        var other = (await Engine.OpenAsync()).GetRequiredService<IDeploymentStore>();

        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 12)
                .Select(i =>
                    Task.Run(async () =>
                    {
                        try
                        {
                            await (i % 2 == 0 ? Store : other).ActivateAsync(Release($"d{i}"), null, Token);
                            return true;
                        }
                        catch (LightningException e) when (e.Kind == ErrorKind.Conflict)
                        {
                            return false;
                        }
                    })
                )
        );

        Assert.Equal(1, outcomes.Count(won => won));
        Assert.Equal(1, await Store.CountAsync("agent", Token));
    }

    private static Deployment Release(string id) =>
        new(id, "agent", Deployment.DefaultSlot, 0, null, null, $"model of {id}", null, true, false, null, Noon, "test", null, null);
}
