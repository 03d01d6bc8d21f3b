using AgentLightning.Access;
using AgentLightning.Deployments;
using AgentLightning.Experiments;
using AgentLightning.Storage;
using AgentLightning.Training;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class ReleaseSelectionConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    private static readonly Scope s_owner = Scope.Owner("test");

    [Fact]
    public async Task A_change_is_seen_here_at_once_and_by_another_server_within_a_second()
    {
        var other = await Engine.OpenAsync();
        var (here, there) = (Get<IReleaseSelection>(), other.GetRequiredService<IReleaseSelection>());
        Assert.Null((await there.SelectAsync("agent", null, Token)).Release);
        Assert.Null((await here.SelectAsync("agent", null, Token)).Release);
        var told = Told(other, Deployment.Changes);

        var first = await ReleaseAsync("one");

        Assert.Equal(first.Id, (await here.SelectAsync("agent", null, Token)).Release!.Id);
        await told;
        await SeenAsync(there, null, served => served.Release?.Id == first.Id);

        told = Told(other, Deployment.Changes);
        await Get<Deactivate>().ExecuteAsync(s_owner, new DeactivateRequest("agent"), Token);
        Assert.Same(ServedRelease.Base, await here.SelectAsync("agent", "s", Token));
        await told;
        await SeenAsync(there, "s", served => served.Release is null);
    }

    [Fact]
    public async Task Two_servers_split_sessions_alike_and_count_each_once()
    {
        var other = await Engine.OpenAsync();
        var (here, there) = (Get<IReleaseSelection>(), other.GetRequiredService<IReleaseSelection>());
        await ReleaseAsync("one");
        await there.SelectAsync("agent", "session 0", Token);
        var told = Told(other, Experiment.Changes);
        var experiment = await StartAsync();
        await told;
        await SeenAsync(there, "session 0", served => served.ExperimentId == experiment.Id);

        var candidates = 0;
        for (var i = 0; i < 500; i++)
        {
            var served = await here.SelectAsync("agent", $"session {i}", Token);
            Assert.Equal(served.Variant, (await here.SelectAsync("agent", $"session {i}", Token)).Variant);
            Assert.Equal(served.Variant, (await there.SelectAsync("agent", $"session {i}", Token)).Variant);
            Assert.Equal(experiment.Variants.Single(variant => variant.Name == served.Variant).DeploymentId, served.Release!.Id);
            candidates += served.Variant == "candidate" ? 1 : 0;
        }

        Assert.InRange(candidates, 65, 140);
        var active = await here.SelectAsync("agent", null, Token);
        Assert.Equal((experiment.Control.DeploymentId, null), (active.Release!.Id, active.ExperimentId));
        await Get<Exposures>().FlushAsync(Token);
        await other.GetRequiredService<Exposures>().FlushAsync(Token);
        var counts = await Get<IExperimentStore>().CountExposuresAsync(experiment.Id, Token);
        Assert.Equal(candidates, counts.Single(count => count.Variant == "candidate").Sessions);
        Assert.Equal(500, counts.Sum(count => count.Sessions));
    }

    [Fact]
    public async Task Whoever_promotes_in_the_slot_ends_the_experiment_in_it()
    {
        await ReleaseAsync("one");
        var experiment = await StartAsync();
        var selection = Get<IReleaseSelection>();
        Assert.NotNull((await selection.SelectAsync("agent", "s", Token)).ExperimentId);

        var next = await ReleaseAsync("two");

        for (var i = 0; i < 20; i++)
        {
            var served = await selection.SelectAsync("agent", $"s{i}", Token);
            Assert.Equal((next.Id, null), (served.Release!.Id, served.ExperimentId));
        }

        await Get<ExperimentWatch>().RunAsync(Token);
        var ended = (await Get<IExperimentStore>().FindAsync(experiment.Id, Token))!;
        Assert.Equal((ExperimentStatus.Stopped, $"release {next.Id} became active instead"), (ended.Status, ended.Reason));
    }

    private Task<Deployment> ReleaseAsync(string model) =>
        Get<PromoteBase>().ExecuteAsync(s_owner, new PromoteBaseRequest("agent", model), Token);

    private async Task<Experiment> StartAsync()
    {
        await AddDatasetAsync();
        await AddRunAsync("r1");
        var runs = Get<ITrainingRunStore>();
        var run = (await runs.FindAsync("r1", Token))! with { Status = TrainingStatus.Running };
        await runs.TryMoveAsync(run, Token);
        var artifact = await Get<IArtifactStore>().PutAsync(stream => stream.WriteAsync("model"u8.ToArray(), Token).AsTask(), Token);
        await runs.TryMoveAsync(run with { Status = TrainingStatus.Succeeded, TunedModelName = "tuned", Artifact = artifact }, Token);
        return await Get<StartExperiment>()
            .ExecuteAsync(s_owner, new StartExperimentRequest("agent", ["r1"], new ExperimentRules(), Force: true), Token);
    }

    private static async Task Told(IServiceProvider server, string topic)
    {
        var told = new TaskCompletionSource();
        using var subscription = server
            .GetRequiredService<IChangeNotices>()
            .Subscribe(topic, agent =>
            {
                if (agent == "agent")
                {
                    told.TrySetResult();
                }
            });
        await told.Task.WaitAsync(TimeSpan.FromSeconds(10), Token);
    }

    /// <summary>A notice is one for each listener: the selection's may come a moment after the test's.</summary>
    private static async Task SeenAsync(IReleaseSelection selection, string? session, Func<ServedRelease, bool> seen)
    {
        while (!seen(await selection.SelectAsync("agent", session, Token)))
        {
            await Task.Yield();
        }
    }
}
