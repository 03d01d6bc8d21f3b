using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Storage;
using AgentLightning.Tests.Storage;
using AgentLightning.Training;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Tests.Training;

/// <summary>Queued runs are executed once, whatever becomes of who executes them.</summary>
public sealed class TrainingWorkerTests : IAsyncLifetime
{
    private const int Steps = 6;
    private readonly StepEngine _engine = new(Steps);
    private Product _product = null!;
    private string _dataset = "";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private ITrainingRunStore Runs => _product.Get<ITrainingRunStore>();

    public async ValueTask InitializeAsync()
    {
        _product = await Product.OpenAsync(services => services.AddSingleton<ITrainingEngine>(_engine));
        await _product.AddRewardedAsync("e1", "text", "yes", 1);
        await _product.AddRewardedAsync("e2", "another text", "no", 1);
        _dataset = (await _product.Get<BuildDataset>().ExecuteAsync(Product.Owner, new DatasetRequest(Product.Agent, "data", 1), Token)).Id;
    }

    public ValueTask DisposeAsync() => _product.DisposeAsync();

    [Fact]
    public async Task A_queued_run_is_executed_says_how_far_it_is_and_leaves_its_model_and_no_checkpoint()
    {
        var run = await StartAsync();
        Assert.Equal((TrainingStatus.Pending, true), (run.Status, run.IsQueued));

        Assert.True(await Worker(_product).RunNextAsync(Token));
        Assert.False(await Worker(_product).RunNextAsync(Token));

        var done = (await Runs.FindAsync(run.Id, Token))!;
        Assert.Equal((TrainingStatus.Succeeded, Steps, Steps, 1), (done.Status, done.Step, done.Steps, done.Attempts));
        Assert.Equal(StepEngine.Model(Steps), await _product.Get<IArtifactStore>().ReadAllAsync(done.Artifact!, Token));
        Assert.Null(done.Checkpoint);
        // The data set and the model.
        Assert.Equal(2, Directory.GetFiles(_product.Options.ArtifactFolder).Length);
        var (_, log) = await _product.Get<GetTrainingLog>().ExecuteAsync(Product.Owner, new TrainingLogQuery(run.Id), Token);
        Assert.Equal(Enumerable.Range(1, Steps), log.Select(line => line.Step!.Value));
        Assert.Equal(0.5, log[1].Metrics!["loss"]);
    }

    [Fact]
    public async Task Of_many_workers_on_one_store_one_executes_each_run()
    {
        var ids = new List<string>();
        for (var i = 0; i < 8; i++)
        {
            ids.Add((await StartAsync()).Id);
        }

        var engine = new StepEngine(Steps);
        await using var other = Another(engine);

        await Task.WhenAll(
            new[] { Worker(_product), Worker(_product), Worker(other), Worker(other) }.Select(worker =>
                Task.Run(async () =>
                {
                    while (await worker.RunNextAsync(Token)) { }
                })
            )
        );

        var began = _engine.Began.Concat(engine.Began).ToList();
        Assert.Equal(ids.Order(), began.Order());
        foreach (var id in ids)
        {
            var run = (await Runs.FindAsync(id, Token))!;
            Assert.Equal((TrainingStatus.Succeeded, 1), (run.Status, run.Attempts));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task A_worker_that_ends_leaves_its_run_for_another_which_makes_the_same_model(int at)
    {
        var run = await StartAsync();
        using var shutdown = new CancellationTokenSource();
        _engine.Gate = async (step, token) =>
        {
            if (step == at)
            {
                await shutdown.CancelAsync();
                token.ThrowIfCancellationRequested();
            }
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Worker(_product).RunNextAsync(shutdown.Token));

        var left = (await Runs.FindAsync(run.Id, Token))!;
        Assert.Equal((TrainingStatus.Running, at == 1 ? null : at - 1), (left.Status, left.CheckpointStep));
        var engine = new StepEngine(Steps);
        await using var other = Another(engine);
        Assert.True(await Worker(other).RunNextAsync(Token));
        var done = (await Runs.FindAsync(run.Id, Token))!;
        Assert.Equal((TrainingStatus.Succeeded, 2, Steps), (done.Status, done.Attempts, done.Step));
        Assert.Equal(StepEngine.Model(Steps), await _product.Get<IArtifactStore>().ReadAllAsync(done.Artifact!, Token));
        var log = await Runs.ReadLogAsync(run.Id, 0, 100, tail: false, Token);
        Assert.Equal(Enumerable.Range(1, Steps), log.Where(line => line.Step is not null).Select(line => line.Step!.Value));
        Assert.Contains(log, line => line.Message?.StartsWith("Taken over", StringComparison.Ordinal) == true);
    }

    [Fact]
    public async Task A_worker_that_stood_still_for_longer_than_its_lease_changes_nothing_when_it_goes_on()
    {
        var run = await StartAsync();
        var (stands, goesOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        _engine.Gate = async (step, token) =>
        {
            if (step == 3)
            {
                stands.SetResult();
                await goesOn.Task.WaitAsync(Token);
            }
        };
        var old = Worker(_product).RunNextAsync(Token);
        await stands.Task.WaitAsync(Token);
        // Two days later, as another server sees it.
        await using (var later = Another(new StepEngine(Steps), new FakeTimeProvider(DateTimeOffset.UtcNow.AddDays(2))))
        {
            Assert.True(await Worker(later).RunNextAsync(Token));
        }

        var done = (await Runs.FindAsync(run.Id, Token))!;
        goesOn.SetResult();

        await Assert.ThrowsAsync<LightningException>(() => old);
        Assert.Equivalent(done, await Runs.FindAsync(run.Id, Token), strict: true);
        Assert.Equal(StepEngine.Model(Steps), await _product.Get<IArtifactStore>().ReadAllAsync(done.Artifact!, Token));
        Assert.Equal(2, Directory.GetFiles(_product.Options.ArtifactFolder).Length);
    }

    [Fact]
    public async Task A_pending_run_is_cancelled_at_once_and_never_executed()
    {
        var run = await StartAsync();

        var cancelled = await _product.Get<CancelTraining>().ExecuteAsync(Product.Owner, run.Id, Token);

        Assert.Equal(TrainingStatus.Cancelled, cancelled.Status);
        Assert.False(await Worker(_product).RunNextAsync(Token));
        Assert.Empty(_engine.Began);
        var error = await Assert.ThrowsAsync<LightningException>(() =>
            _product.Get<CancelTraining>().ExecuteAsync(Product.Owner, run.Id + "x", Token)
        );
        Assert.Equal(ErrorKind.NotFound, error.Kind);
    }

    [Fact]
    public async Task A_running_run_is_cancelled_by_another_server_while_it_waits()
    {
        var run = await StartAsync();
        var began = new TaskCompletionSource();
        _engine.Gate = async (step, token) =>
        {
            if (step == 2)
            {
                began.SetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, token);
            }
        };
        var running = Worker(_product).RunNextAsync(Token);
        await began.Task.WaitAsync(Token);
        await using var other = Another(new StepEngine(Steps));

        var asked = await other.GetRequiredService<CancelTraining>().ExecuteAsync(Product.Owner, run.Id, Token);

        Assert.Equal((TrainingStatus.Running, true), (asked.Status, asked.CancelRequested));
        Assert.True(await running.WaitAsync(TimeSpan.FromSeconds(5), Token));
        var done = (await Runs.FindAsync(run.Id, Token))!;
        Assert.Equal((TrainingStatus.Cancelled, 1, null), (done.Status, done.Step, done.Checkpoint));
        var error = await Assert.ThrowsAsync<LightningException>(async () =>
        {
            await Runs.TryMoveAsync(done with { Status = TrainingStatus.Failed }, Token);
            var late = await StartAsync();
            await Runs.TryMoveAsync(late with { Status = TrainingStatus.Failed }, Token);
            await _product.Get<CancelTraining>().ExecuteAsync(Product.Owner, late.Id, Token);
        });
        Assert.Equal(ErrorKind.Conflict, error.Kind);
        Assert.Contains("has failed already", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_running_run_whose_server_is_gone_is_cancelled_at_once()
    {
        var run = await StartAsync();
        await Runs.TryMoveAsync(run with { Status = TrainingStatus.Running }, Token);

        var cancelled = await _product.Get<CancelTraining>().ExecuteAsync(Product.Owner, run.Id, Token);

        Assert.Equal(TrainingStatus.Cancelled, cancelled.Status);
    }

    [Fact]
    public async Task A_run_whose_data_set_was_damaged_fails_with_the_reason_and_another_one_is_executed_after_it()
    {
        var dataset = (await _product.Get<IDatasetStore>().FindAsync(_dataset, Token))!;
        var run = await StartAsync();
        var path = _product.ArtifactPath(dataset.Artifact);
        var content = await File.ReadAllBytesAsync(path, Token);
        File.Delete(path);

        Assert.True(await Worker(_product).RunNextAsync(Token));

        var failed = (await Runs.FindAsync(run.Id, Token))!;
        Assert.Equal(TrainingStatus.Failed, failed.Status);
        Assert.Contains("is missing", failed.ErrorMessage, StringComparison.Ordinal);
        await File.WriteAllBytesAsync(path, content, Token);
        var second = await StartAsync();
        Assert.True(await Worker(_product).RunNextAsync(Token));
        Assert.Equal(TrainingStatus.Succeeded, (await Runs.FindAsync(second.Id, Token))!.Status);
    }

    [Fact]
    public async Task A_worker_takes_runs_as_they_come_until_it_is_told_to_end()
    {
        using var shutdown = new CancellationTokenSource();
        var working = Worker(_product).RunAsync(shutdown.Token);
        var done = new TaskCompletionSource();
        using var subscription = _product
            .Get<IChangeNotices>()
            .Subscribe(TrainingRun.Changes, async void (_) =>
            {
                if (await Runs.ListAsync(null, TrainingStatus.Succeeded, 10, null, Token) is [_])
                {
                    done.TrySetResult();
                }
            });

        await StartAsync();

        await done.Task.WaitAsync(TimeSpan.FromSeconds(10), Token);
        await shutdown.CancelAsync();
        await working;
    }

    private Task<TrainingRun> StartAsync() =>
        _product
            .Get<StartTraining>()
            .ExecuteAsync(Product.Owner, new StartTrainingRequest(Product.Agent, _dataset, Engine: "steps"), Token);

    private static TrainingWorker Worker(Product product) => product.Get<TrainingWorker>();

    private static TrainingWorker Worker(ServiceProvider services) => services.GetRequiredService<TrainingWorker>();

    /// <summary>Another server on the same store.</summary>
    private ServiceProvider Another(StepEngine engine, TimeProvider? clock = null) =>
        new ServiceCollection()
            .AddLogging()
            .AddSingleton(clock ?? TimeProvider.System)
            .AddSingleton<ITrainingEngine>(engine)
            .AddLightningServices(_product.Options)
            .BuildServiceProvider();
}
