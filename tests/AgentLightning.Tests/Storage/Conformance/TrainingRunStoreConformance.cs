using AgentLightning.Storage;
using AgentLightning.Training;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class TrainingRunStoreConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    private ITrainingRunStore Store => Get<ITrainingRunStore>();

    [Fact]
    public async Task A_run_moves_from_pending_over_running_to_succeeded_and_comes_back_whole()
    {
        await AddDatasetAsync();
        var run = await AddRunAsync("r1");

        Assert.True(await Store.TryMoveAsync(run with { Status = TrainingStatus.Running, StartedAt = Noon }, Token));
        var done = run with
        {
            Status = TrainingStatus.Succeeded,
            StartedAt = Noon,
            CompletedAt = Noon.AddSeconds(3),
            TunedModelName = "model",
            Artifact = "sha256:x",
            Metrics = new Dictionary<string, double> { ["loss"] = 0.5 },
        };
        Assert.True(await Store.TryMoveAsync(done, Token));

        Assert.Equivalent(done, await Store.FindAsync("r1", Token), strict: true);
    }

    [Theory]
    [InlineData(TrainingStatus.Succeeded, TrainingStatus.Running)]
    [InlineData(TrainingStatus.Succeeded, TrainingStatus.Failed)]
    [InlineData(TrainingStatus.Failed, TrainingStatus.Succeeded)]
    [InlineData(TrainingStatus.Cancelled, TrainingStatus.Running)]
    [InlineData(TrainingStatus.Running, TrainingStatus.Pending)]
    public async Task A_run_never_moves_against_its_state_machine(TrainingStatus from, TrainingStatus to)
    {
        await AddDatasetAsync();
        var run = await AddRunAsync("r1");
        await Store.TryMoveAsync(run with { Status = TrainingStatus.Running }, Token);
        await Store.TryMoveAsync(run with { Status = from }, Token);

        Assert.False(await Store.TryMoveAsync(run with { Status = to, ErrorMessage = "late" }, Token));

        var read = await Store.FindAsync("r1", Token);
        Assert.Equal(from, read!.Status);
        Assert.Null(read.ErrorMessage);
    }

    [Fact]
    public async Task Of_many_that_end_a_run_at_once_one_succeeds()
    {
        await AddDatasetAsync();
        var run = await AddRunAsync("r1");
        await Store.TryMoveAsync(run with { Status = TrainingStatus.Running }, Token);

        var moved = await Task.WhenAll(
            Enumerable
                .Range(0, 16)
                .Select(i =>
                    Task.Run(() =>
                        Store.TryMoveAsync(run with { Status = i % 2 == 0 ? TrainingStatus.Succeeded : TrainingStatus.Failed }, Token)
                    )
                )
        );

        Assert.Equal(1, moved.Count(done => done));
    }

    [Fact]
    public async Task Who_lost_the_lease_of_a_run_does_not_move_it_any_more()
    {
        await AddDatasetAsync();
        var run = await AddRunAsync("r1");
        var (clock, running) = (new FakeTimeProvider(Noon), run with { Status = TrainingStatus.Running });
        var leases = new SqlLeaseStore(Get<SqlDatabase>(), clock);
        var old = (await leases.TryAcquireAsync("run", "a", TimeSpan.FromSeconds(1), Token))!;
        Assert.True(await Store.TryMoveAsync(running, old, Token));
        clock.Advance(TimeSpan.FromSeconds(2));
        var taken = (await leases.TryAcquireAsync("run", "b", TimeSpan.FromSeconds(1), Token))!;

        Assert.False(await Store.TryMoveAsync(run with { Status = TrainingStatus.Succeeded }, old, Token));
        Assert.True(await Store.TryMoveAsync(run with { Status = TrainingStatus.Failed }, taken, Token));
        Assert.Equal(TrainingStatus.Failed, (await Store.FindAsync("r1", Token))!.Status);
    }

    [Fact]
    public async Task Runs_are_counted_by_state()
    {
        await AddDatasetAsync();
        var run = await AddRunAsync("r1");
        await AddRunAsync("r2");
        await Store.TryMoveAsync(run with { Status = TrainingStatus.Failed }, Token);

        var counts = await Store.CountByStatusAsync("agent", Token);

        Assert.Equal(new Dictionary<TrainingStatus, long> { [TrainingStatus.Failed] = 1, [TrainingStatus.Pending] = 1 }, counts);
        Assert.Equal(2, (await Store.ListAsync(null, 10, Token)).Count);
    }
}
