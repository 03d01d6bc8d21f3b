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

    [Fact]
    public async Task Queued_runs_that_are_not_over_are_to_do_for_their_engines_oldest_first()
    {
        await AddDatasetAsync();
        var run = await AddRunAsync("by itself");
        foreach (var (id, minute) in new[] { ("late", 2), ("early", 1), ("over", 0) })
        {
            await Store.AddAsync(run with { Id = id, IsQueued = true, Labels = ["a", "b"], CreatedAt = Noon.AddMinutes(minute) }, Token);
        }

        await Store.AddAsync(run with { Id = "elsewhere", IsQueued = true, Engine = "openai" }, Token);
        await Store.TryMoveAsync(run with { Id = "over", Status = TrainingStatus.Failed }, Token);

        Assert.Equal(["early", "late"], (await Store.ListToDoAsync(["local"], 10, Token)).Select(one => one.Id));
        Assert.Equal(["elsewhere", "early"], (await Store.ListToDoAsync(["local", "openai"], 2, Token)).Select(one => one.Id));
        Assert.Empty(await Store.ListToDoAsync([], 10, Token));
        Assert.Equal(["a", "b"], (await Store.FindAsync("late", Token))!.Labels);
        Assert.Equal(["over"], (await Store.ListAsync(null, TrainingStatus.Failed, 10, null, Token)).Select(one => one.Id));
        Assert.Empty(await Store.ListAsync(["somebody else"], null, 10, null, Token));
    }

    [Fact]
    public async Task A_run_that_is_gone_on_with_counts_on_from_its_checkpoint_and_takes_back_what_was_said_after_it()
    {
        await AddDatasetAsync();
        await AddRunAsync("r1");
        var clock = new FakeTimeProvider(Noon);
        var leases = new SqlLeaseStore(Get<SqlDatabase>(), clock);
        var first = (await leases.TryAcquireAsync("run", "a", TimeSpan.FromSeconds(1), Token))!;
        Assert.True(await Store.TryBeginAsync("r1", Noon, first, Token));
        Assert.True(await Store.TryLogAsync("r1", [Said("begins"), Step(1), Step(2)], 2, 9, Noon.AddSeconds(1), first, Token));
        Assert.Equal((true, null), await Store.TrySaveAsync("r1", "sha256:one", 2, first, Token));
        Assert.Equal((true, "sha256:one"), await Store.TrySaveAsync("r1", "sha256:two", 3, first, Token));
        Assert.True(await Store.TryLogAsync("r1", [Step(3), Step(4)], 4, 9, Noon.AddSeconds(2), first, Token));
        clock.Advance(TimeSpan.FromSeconds(2));
        var second = (await leases.TryAcquireAsync("run", "b", TimeSpan.FromSeconds(1), Token))!;

        Assert.True(await Store.TryBeginAsync("r1", Noon.AddHours(1), second, Token));

        var run = (await Store.FindAsync("r1", Token))!;
        Assert.Equal((TrainingStatus.Running, 2, 3, 9, "sha256:two"), (run.Status, run.Attempts, run.Step, run.Steps, run.Checkpoint));
        Assert.Equal((Noon, Noon.AddSeconds(2), 3), (run.StartedAt, run.ProgressedAt, run.CheckpointStep));
        Assert.Equal([null, 1, 2, 3], (await Store.ReadLogAsync("r1", 0, 10, tail: false, Token)).Select(line => line.Step));
        // What the first still wants to write is refused.
        Assert.False(await Store.TryBeginAsync("r1", Noon, first, Token));
        Assert.False(await Store.TryLogAsync("r1", [Step(5)], 5, 9, Noon, first, Token));
        Assert.Equal((false, null), await Store.TrySaveAsync("r1", "sha256:three", 5, first, Token));
        Assert.Equal(3, (await Store.FindAsync("r1", Token))!.Step);
    }

    [Fact]
    public async Task Of_what_a_run_says_the_newest_lines_are_kept_and_read_from_either_end()
    {
        await AddDatasetAsync();
        await AddRunAsync("r1");
        var lease = (
            await new SqlLeaseStore(Get<SqlDatabase>(), TimeProvider.System).TryAcquireAsync("run", "a", TimeSpan.FromMinutes(1), Token)
        )!;
        for (var i = 0; i < 4; i++)
        {
            await Store.TryLogAsync(
                "r1",
                [.. Enumerable.Range(1, 1_000).Select(step => Step((i * 1_000) + step))],
                null,
                null,
                Noon,
                lease,
                Token
            );
        }

        var all = await Store.ReadLogAsync("r1", 0, 1_000, tail: false, Token);
        var tail = await Store.ReadLogAsync("r1", 0, 3, tail: true, Token);
        var next = await Store.ReadLogAsync("r1", 3_998, 10, tail: false, Token);

        Assert.Equal(1_001, all[0].Number);
        Assert.Equal([3_998L, 3_999, 4_000], tail.Select(line => line.Number));
        Assert.Equal([3_999L, 4_000], next.Select(line => line.Number));
        Assert.Equal((4_000, 0.25, Noon), (next[^1].Step!.Value, next[^1].Metrics!["loss"], next[^1].At));
    }

    [Fact]
    public async Task A_pending_run_is_cancelled_at_once_and_a_running_one_is_asked_to_stop()
    {
        await AddDatasetAsync();
        await AddRunAsync("pending");
        var running = await AddRunAsync("running");
        await Store.TryMoveAsync(running with { Status = TrainingStatus.Running }, Token);

        var first = await Store.RequestCancelAsync("pending", Noon, Token);
        var second = await Store.RequestCancelAsync("running", Noon, Token);

        Assert.Equal((TrainingStatus.Cancelled, false, Noon), (first!.Status, first.CancelRequested, first.CompletedAt));
        Assert.Equal((TrainingStatus.Running, true), (second!.Status, second.CancelRequested));
        Assert.Null(await Store.RequestCancelAsync("nowhere", Noon, Token));
    }

    [Fact]
    public async Task A_run_is_found_by_the_model_that_it_made()
    {
        await AddDatasetAsync();
        var run = await AddRunAsync("r1");
        await Store.TryMoveAsync(run with { Status = TrainingStatus.Running }, Token);
        await Store.TryMoveAsync(run with { Status = TrainingStatus.Succeeded, TunedModelName = "shop-1" }, Token);

        Assert.Equal("r1", (await Store.FindByModelAsync("agent", "shop-1", Token))!.Id);
        Assert.Null(await Store.FindByModelAsync("another", "shop-1", Token));
        Assert.Null(await Store.FindByModelAsync("agent", "shop-2", Token));
    }

    private static TrainingLogLine Said(string message) => new(0, Noon, null, message, null);

    private static TrainingLogLine Step(int step) => new(0, Noon, step, null, new Dictionary<string, double> { ["loss"] = 0.25 });
}
