using AgentLightning.Common;
using AgentLightning.Experiments;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class ExperimentStoreConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    private IExperimentStore Store => Get<IExperimentStore>();

    [Fact]
    public async Task Every_part_of_an_experiment_comes_back()
    {
        var experiment = NewExperiment("x1");
        await Store.AddAsync(experiment, Token);

        Assert.Equivalent(experiment, await Store.FindAsync("x1", Token), strict: true);
        Assert.Equivalent(experiment, await Store.FindRunningAsync("agent", "production", Token), strict: true);
        Assert.Null(await Store.FindRunningAsync("agent", "other", Token));
        Assert.Null(await Store.FindAsync("x2", Token));
    }

    [Fact]
    public async Task One_of_an_agent_and_slot_runs_however_many_begin_at_once_on_two_servers()
    {
        var other = (await Engine.OpenAsync()).GetRequiredService<IExperimentStore>();

        var outcomes = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(i =>
                    Task.Run(async () =>
                    {
                        try
                        {
                            await (i % 2 == 0 ? Store : other).AddAsync(NewExperiment($"x{i}"), Token);
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
        await Store.AddAsync(NewExperiment("y1") with { Slot = "canary" }, Token);
        await Store.AddAsync(NewExperiment("y2") with { AgentId = "other" }, Token);
        Assert.Equal(3, (await Store.ListRunningAsync(Token)).Count);
    }

    [Fact]
    public async Task An_end_comes_once_and_frees_the_slot()
    {
        await Store.AddAsync(NewExperiment("x1"), Token);
        var ended = NewExperiment("x1") with
        {
            Status = ExperimentStatus.RolledBack,
            EndedAt = Noon.AddHours(1),
            EndedBy = "watch",
            Reason = "worse",
            Winner = "control",
        };

        Assert.True(await Store.TryEndAsync(ended, Token));
        Assert.False(await Store.TryEndAsync(ended with { Reason = "again" }, Token));
        Assert.False(await Store.TryChangeSharesAsync(Changed(NewExperiment("x1")), Noon, Token));

        Assert.Equivalent(ended, await Store.FindAsync("x1", Token), strict: true);
        await Store.AddAsync(NewExperiment("x2") with { StartedAt = Noon.AddHours(2) }, Token);
        var list = await Store.ListAsync("agent", 10, null, Token);
        Assert.Equal(["x2", "x1"], list.Select(experiment => experiment.Id));
        Assert.Equal("x1", Assert.Single(await Store.ListAsync("agent", 10, list[0].Cursor(), Token)).Id);
    }

    [Fact]
    public async Task Of_two_that_change_the_shares_of_one_phase_one_wins()
    {
        await Store.AddAsync(NewExperiment("x1"), Token);
        var changed = Changed(NewExperiment("x1"));

        Assert.True(await Store.TryChangeSharesAsync(changed, Noon, Token));
        Assert.False(await Store.TryChangeSharesAsync(changed, Noon, Token));

        Assert.Equal((2, 0.5), ((await Store.FindAsync("x1", Token))!.Phase, (await Store.FindAsync("x1", Token))!.Variants[1].Share));
    }

    [Fact]
    public async Task A_session_counts_once_in_each_phase_whichever_server_tells_of_it()
    {
        var other = (await Engine.OpenAsync()).GetRequiredService<IExperimentStore>();
        await Store.AddAsync(NewExperiment("x1"), Token);
        var first = Enumerable.Range(0, 50).Select(i => new Exposure("x1", 1, i * 7_919L, i % 5 == 0 ? "candidate" : "control", Noon));

        await Task.WhenAll(
            Enumerable.Range(0, 6).Select(i => Task.Run(() => (i % 2 == 0 ? Store : other).AddExposuresAsync([.. first], Token)))
        );
        await Store.TryChangeSharesAsync(Changed(NewExperiment("x1")), Noon, Token);
        await Store.AddExposuresAsync([new Exposure("x1", 2, long.MinValue, "control", Noon)], Token);

        Assert.Equal(
            [
                new ExposureCount(1, "control", 0.8, 40),
                new ExposureCount(1, "candidate", 0.2, 10),
                new ExposureCount(2, "control", 0.5, 1),
                new ExposureCount(2, "candidate", 0.5, 0),
            ],
            await Store.CountExposuresAsync("x1", Token)
        );
    }

    private static Experiment Changed(Experiment experiment) =>
        experiment.WithShares(new Dictionary<string, double> { ["control"] = 0.5, ["candidate"] = 0.5 });

    private static Experiment NewExperiment(string id) =>
        new(
            id,
            "agent",
            "production",
            ExperimentStatus.Running,
            1,
            new ExperimentRules
            {
                Steps = [20, 50],
                MinimumSamples = 20,
                Metric = ExperimentMetric.Success,
            },
            [new ExperimentVariant("control", "d1", 0.8), new ExperimentVariant("candidate", "d2", 0.2)],
            Noon,
            "me"
        );
}
