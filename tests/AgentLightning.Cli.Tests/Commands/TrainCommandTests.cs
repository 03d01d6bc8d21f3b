using System.Diagnostics;
using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Cli.Commands;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Datasets;
using AgentLightning.Engine;
using AgentLightning.Testing;
using AgentLightning.Training;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Cli.Tests;

/// <summary>Training runs from the command line, in a store and behind a server.</summary>
public sealed class TrainCommandTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private string _dataset = "";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Store => _folder.File("shop.db");

    private (string, string) Models => ("LIGHTNING_MODELS__FOLDER", _folder.File("models"));

    public async ValueTask InitializeAsync()
    {
        await ShopStore.AddModelAsync(_folder.File("models"));
        await using var services = Open();
        await services.OpenLightningAsync(create: true, Token);
        _dataset = await ShopStore.AddDatasetAsync(services, DatasetKind.Chat);
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_run_in_a_store_is_executed_by_the_command_and_each_command_names_the_next()
    {
        var trained = await Lightning.RunHereAsync([.. Train(Path.Combine(_folder.File("models"), ShopStore.Model)), "--store", Store]);
        Assert.True(trained.ExitCode == 0, trained.Error);
        var listed = await Lightning.RunHereAsync("list-runs", "--agent-id", "shop", "--store", Store, "--json");
        var run = listed.Json().GetProperty("training_runs")[0];
        var id = run.GetProperty("id").GetString()!;
        var shown = await Lightning.RunHereAsync("status", "--run-id", id, "--agent-id", "shop", "--store", Store);
        var late = await Lightning.RunHereAsync("cancel", "--run-id", id, "--store", Store);
        var strange = await Lightning.RunHereAsync("status", "--run-id", id, "--agent-id", "desk", "--store", Store);
        // The tuned model is a base model by its name.
        var next = await Lightning.RunHereAsync([.. Train(run.GetProperty("tuned_model_name").GetString()!), "--store", Store, "--json"]);

        Assert.Contains("has succeeded: shop-", trained.Out, StringComparison.Ordinal);
        Assert.Contains($"Next: lightning evaluate --run-id {id}", trained.Out, StringComparison.Ordinal);
        Assert.Contains(id, shown.Out, StringComparison.Ordinal);
        Assert.Contains("Learns from 3 rows", shown.Out, StringComparison.Ordinal);
        Assert.Contains("has succeeded already", late.Failed(1), StringComparison.Ordinal);
        Assert.Contains("of agent 'desk' not found", strange.Failed(1), StringComparison.Ordinal);
        Assert.Equal("succeeded", next.Json().GetProperty("status").GetString());
    }

    [Theory]
    [InlineData("is given twice", "--param", "steps=1", "--param", "steps=2")]
    [InlineData("must be name=value", "--param", "steps")]
    [InlineData("'steps' must be a whole number from 1 to 1000000, but it is '0'", "--param", "steps=0")]
    [InlineData("method must be one of", "--method", "magic")]
    [InlineData("There is no hyper-parameter 'grader' for sft", "--param", "grader=match")]
    public async Task A_command_line_that_is_wrong_says_what_is_wrong(string message, params string[] arguments)
    {
        var outcome = await Lightning.RunHereAsync([
            "train",
            "--dataset-id",
            _dataset,
            "--agent-id",
            "shop",
            "--base-model",
            ShopStore.Model,
            "--store",
            Store,
            .. arguments,
        ]);

        Assert.Contains(message, outcome.Failed(2), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_behind_a_server_is_executed_there_and_waited_for()
    {
        using var server = await ServingProcess.StartAsync(_folder.Path, "shop.db", Models);
        string[] where = ["--server", server.Http.BaseAddress!.ToString()];

        var trained = await Lightning.RunHereAsync([.. Train(ShopStore.Model), .. where, "--json"]);
        var outside = await Lightning.RunHereAsync([.. Train(Path.Combine(_folder.File("models"), ShopStore.Model)), .. where]);
        var queued = (await Lightning.RunHereAsync([.. Train(ShopStore.Model, steps: 20_000), "--no-wait", .. where, "--json"])).Json();
        var id = queued.GetProperty("id").GetString()!;
        var cancelled = await Lightning.RunHereAsync(["cancel", "--run-id", id, .. where]);
        var waited = Stopwatch.StartNew();
        JsonElement run;
        do
        {
            run = (await Lightning.RunHereAsync(["status", "--run-id", id, .. where, "--json"])).Json();
        } while (run.GetProperty("status").GetString() == "running");

        Assert.Equal("succeeded", trained.Json().GetProperty("status").GetString());
        Assert.Contains("was not found", outside.Failed(2), StringComparison.Ordinal);
        Assert.Equal(0, cancelled.ExitCode);
        Assert.Equal("cancelled", run.GetProperty("status").GetString());
        Assert.True(waited.Elapsed < TimeSpan.FromSeconds(5), $"It took {waited.Elapsed} to stop.");
    }

    [Fact]
    public async Task A_command_that_is_interrupted_cancels_the_run_that_it_executes()
    {
        using var process = Lightning.Start(_folder.Path, [.. Train(ShopStore.Model, steps: 100_000), "--store", "shop.db"], [Models]);
        await using var services = Open();
        var run = await WaitAsync(services, run => run.Step > 0);

        using (var kill = Process.Start("kill", ["-INT", $"{process.Id}"]))
        {
            await kill.WaitForExitAsync(Token);
        }

        await process.WaitForExitAsync(Token);
        Assert.Equal(1, process.ExitCode);
        Assert.Equal(TrainingStatus.Cancelled, (await services.GetRequiredService<ITrainingRunStore>().FindAsync(run.Id, Token))!.Status);
    }

    [Theory]
    [InlineData("pending")]
    [InlineData("running")]
    [InlineData("saved")]
    public async Task A_run_whose_server_was_killed_ends_in_the_very_bytes_of_one_that_was_not(string state)
    {
        const int Steps = 120;
        await using var services = Open();
        var runs = services.GetRequiredService<ITrainingRunStore>();
        var expected = await RunWholeAsync(services, Steps, state);
        TrainingRun left;
        using (
            var server = await ServingProcess.StartAsync(
                _folder.Path,
                "shop.db",
                Models,
                ("LIGHTNING_TRAINING__PARALLEL_RUNS", state == "pending" ? "0" : "1")
            )
        )
        {
            var started = await Lightning.RunHereAsync([
                .. Train(ShopStore.Model, Steps, state),
                "--no-wait",
                "--server",
                server.Http.BaseAddress!.ToString(),
                "--json",
            ]);
            Assert.True(started.ExitCode == 0, started.Error);
            left = await WaitAsync(services, run =>
                run.Id != expected.Id && (state == "pending" || (state == "running" ? run.Step > 0 : run.CheckpointStep > 0))
            );
            server.Kill();
        }

        left = (await runs.FindAsync(left.Id, Token))!;
        Assert.Equal(state == "pending" ? TrainingStatus.Pending : TrainingStatus.Running, left.Status);
        // As a server sees it to which the lease of the one that was killed has run out.
        await using var other = Open(new FakeTimeProvider(DateTimeOffset.UtcNow.AddMinutes(1)));
        Assert.True(await other.GetRequiredService<TrainingWorker>().RunNextAsync(Token));

        var done = (await runs.FindAsync(left.Id, Token))!;
        Assert.True(done.Status == TrainingStatus.Succeeded, done.ErrorMessage);
        Assert.Equal((expected.Artifact, Steps), (done.Artifact, done.Step!.Value));
        Assert.Equal(state == "pending" ? 1 : 2, done.Attempts);
    }

    private async Task<TrainingRun> RunWholeAsync(ServiceProvider services, int steps, string state)
    {
        var run = await services
            .GetRequiredService<StartTraining>()
            .ExecuteAsync(
                Scope.Owner("test"),
                new StartTrainingRequest(
                    "shop",
                    _dataset,
                    BaseModel: ShopStore.Model,
                    Hyperparameters: new Dictionary<string, string>
                    {
                        ["steps"] = $"{steps}",
                        ["threads"] = "1",
                        ["save_every"] = $"{SaveEvery(state)}",
                    }
                ),
                Token
            );
        Assert.True(await services.GetRequiredService<TrainingWorker>().RunNextAsync(Token));
        return (await services.GetRequiredService<ITrainingRunStore>().FindAsync(run.Id, Token))!;
    }

    private static int SaveEvery(string state) => state == "saved" ? 20 : 0;

    private string[] Train(string baseModel, int steps = 3, string state = "") =>
        [
            "train",
            "--dataset-id",
            _dataset,
            "--agent-id",
            "shop",
            "--base-model",
            baseModel,
            "--param",
            $"steps={steps}",
            "--param",
            "threads=1",
            "--param",
            $"save_every={SaveEvery(state)}",
        ];

    /// <summary>Looks whenever the store's files change until the newest run is as it should be.</summary>
    private async Task<TrainingRun> WaitAsync(ServiceProvider services, Func<TrainingRun, bool> isAsItShould)
    {
        var runs = services.GetRequiredService<ITrainingRunStore>();
        using var changed = new SemaphoreSlim(0);
        using var files = new FileSystemWatcher(Path.GetDirectoryName(Store)!, $"{Path.GetFileName(Store)}*")
        {
            NotifyFilter = NotifyFilters.LastWrite | NotifyFilters.Size | NotifyFilters.FileName,
        };
        files.Changed += (_, _) => changed.Release();
        files.Created += (_, _) => changed.Release();
        files.EnableRaisingEvents = true;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        while (true)
        {
            if (await runs.ListAsync(null, 1, patience.Token) is [var run] && isAsItShould(run))
            {
                return run;
            }

            await changed.WaitAsync(patience.Token);
        }
    }

    private ServiceProvider Open(TimeProvider? clock = null) =>
        new ServiceCollection()
            .AddLogging()
            .AddSingleton(clock ?? TimeProvider.System)
            .AddLightningServices(
                new LightningOptions
                {
                    Store = Store,
                    Models = new ModelOptions { Folder = _folder.File("models") },
                }
            )
            .AddEngine()
            .BuildServiceProvider();
}
