using AgentLightning.Jobs;
using AgentLightning.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace AgentLightning.Tests.Storage.Conformance;

public abstract class JobConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);
    private readonly FakeTimeProvider _clock = new(Noon);

    [Fact]
    public async Task A_job_runs_on_one_of_many_servers_and_again_when_its_time_has_come()
    {
        var (runs, job) = (0, default(Job));
        job = new Job(_ =>
        {
            Interlocked.Increment(ref runs);
            return Task.CompletedTask;
        });
        for (var day = 1; day <= 3; day++)
        {
            var ran = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Server().RunDueAsync(job, Token))));

            Assert.Equal(1, ran.Count(did => did));
            Assert.Equal(day, runs);
            _clock.Advance(s_hour / 2);
            Assert.False(await Server().RunDueAsync(job, Token));
            _clock.Advance(s_hour / 2);
        }

        Assert.Equal(
            new JobRecord("sweep", Noon + (2 * s_hour), Noon + (2 * s_hour), null, 3),
            await Get<IJobStore>().FindAsync("sweep", Token)
        );
    }

    [Fact]
    public async Task While_it_runs_no_other_server_runs_it_however_long_it_takes()
    {
        var (began, end) = (new TaskCompletionSource(), new TaskCompletionSource());
        var slow = new Job(token =>
        {
            began.SetResult();
            return end.Task.WaitAsync(token);
        });
        var running = Server().RunDueAsync(slow, Token);
        await began.Task;

        Assert.False(await Server().RunDueAsync(slow, Token));

        end.SetResult();
        Assert.True(await running);
    }

    [Fact]
    public async Task A_run_that_fails_is_noted_and_comes_again_at_its_time()
    {
        var failing = new Job(_ => throw new InvalidOperationException("no disk"));

        Assert.True(await Server().RunDueAsync(failing, Token));

        Assert.Equal("no disk", (await Get<IJobStore>().FindAsync("sweep", Token))!.Error);
        Assert.False(await Server().RunDueAsync(failing, Token));
    }

    [Fact]
    public async Task What_a_server_left_in_the_middle_another_begins_again_at_once()
    {
        using var ended = new CancellationTokenSource();
        var cut = new Job(async token =>
        {
            await ended.CancelAsync();
            token.ThrowIfCancellationRequested();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Server().RunDueAsync(cut, ended.Token));

        Assert.True(await Server().RunDueAsync(new Job(_ => Task.CompletedTask), Token));
        Assert.Equal(2, (await Get<IJobStore>().FindAsync("sweep", Token))!.Runs);
    }

    [Fact]
    public async Task One_whose_lease_another_has_taken_writes_nothing_any_more()
    {
        var (store, leases) = (Get<IJobStore>(), new SqlLeaseStore(Get<SqlDatabase>(), _clock));
        var old = (await leases.TryAcquireAsync("job sweep", "a", TimeSpan.FromSeconds(1), Token))!;
        Assert.True(await store.TryStartAsync("sweep", old.Name, old.Token, s_hour, Noon, Token));
        _clock.Advance(TimeSpan.FromSeconds(2));
        await leases.TryAcquireAsync("job sweep", "b", TimeSpan.FromSeconds(1), Token);

        await store.CompleteAsync("sweep", old.Name, old.Token, null, Noon, Token);

        Assert.Null((await store.FindAsync("sweep", Token))!.CompletedAt);
        Assert.False(await store.TryStartAsync("sweep", old.Name, old.Token, s_hour, Noon.AddDays(1), Token));
    }

    private JobRunner Server() =>
        new(
            [],
            Get<IJobStore>(),
            new Leases(new SqlLeaseStore(Get<SqlDatabase>(), _clock), _clock),
            _clock,
            NullLogger<JobRunner>.Instance
        );

    private sealed class Job(Func<CancellationToken, Task> work) : IBackgroundJob
    {
        public string Name => "sweep";

        public TimeSpan? Interval => s_hour;

        public Task RunAsync(CancellationToken cancellationToken) => work(cancellationToken);
    }
}
