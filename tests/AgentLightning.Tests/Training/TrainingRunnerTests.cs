using AgentLightning.Access;
using AgentLightning.Datasets;
using AgentLightning.Storage;
using AgentLightning.Tests.Storage;
using AgentLightning.Training;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Tests.Training;

public sealed class TrainingRunnerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_runner_that_starts_fails_the_runs_that_were_left_and_none_that_another_executes()
    {
        var engine = new WaitingEngine();
        await using var product = await Product.OpenAsync(services => services.AddSingleton<ITrainingEngine>(engine));
        await using var other = new ServiceCollection().AddLogging().AddLightningServices(product.Options).BuildServiceProvider();
        var running = product.Get<TrainingRunner>().RunAsync(Scope.Owner("test"), await RequestAsync(product), null, Token);
        var run = await engine.Began.Task.WaitAsync(Token);
        var left = run with { Id = "left", Status = TrainingStatus.Pending };
        await product.Get<ITrainingRunStore>().AddAsync(left, Token);
        await product.Get<ITrainingRunStore>().TryMoveAsync(left with { Status = TrainingStatus.Running }, Token);

        Assert.Equal(1, await other.GetRequiredService<TrainingRunner>().FailInterruptedAsync(Scope.Owner("test"), Product.Agent, Token));

        engine.End.SetResult();
        Assert.Equal(TrainingStatus.Succeeded, (await running).Status);
        var failed = (await product.Get<ITrainingRunStore>().FindAsync("left", Token))!;
        Assert.Equal((TrainingStatus.Failed, "interrupted"), (failed.Status, failed.ErrorMessage));
    }

    [Fact]
    public async Task A_runner_that_stood_still_for_longer_than_its_lease_does_not_change_what_the_next_one_decided()
    {
        var engine = new WaitingEngine();
        await using var product = await Product.OpenAsync(services => services.AddSingleton<ITrainingEngine>(engine));
        var running = product.Get<TrainingRunner>().RunAsync(Scope.Owner("test"), await RequestAsync(product), null, Token);
        var run = await engine.Began.Task.WaitAsync(Token);
        // Two days later, as another process sees it.
        var clock = new FakeTimeProvider(DateTimeOffset.UtcNow.AddDays(2));
        var later = new ServiceCollection().AddLogging().AddSingleton<TimeProvider>(clock).AddLightningServices(product.Options);
        await using (var other = later.BuildServiceProvider())
        {
            Assert.Equal(
                1,
                await other.GetRequiredService<TrainingRunner>().FailInterruptedAsync(Scope.Owner("test"), Product.Agent, Token)
            );
        }

        engine.End.SetResult();

        await Assert.ThrowsAnyAsync<Exception>(() => running);
        Assert.Equal("interrupted", (await product.Get<ITrainingRunStore>().FindAsync(run.Id, Token))!.ErrorMessage);
    }

    private static async Task<TrainingRequest> RequestAsync(Product product)
    {
        await product.AddRewardedAsync("e1", "text", "yes", 1);
        await product.AddRewardedAsync("e2", "another text", "no", 1);
        var dataset = await product
            .Get<BuildDataset>()
            .ExecuteAsync(Scope.Owner("test"), new DatasetRequest(Product.Agent, "data", 1), Token);
        return new TrainingRequest(Product.Agent, dataset.Id, TrainingMethod.Supervised, "base", ["yes", "no"], Engine: "waiting");
    }

    /// <summary>Trains for as long as the test wants.</summary>
    private sealed class WaitingEngine : ITrainingEngine
    {
        public TaskCompletionSource<TrainingRun> Began { get; } = new();

        public TaskCompletionSource End { get; } = new();

        public string Name => "waiting";

        public async Task<TunedModel> TrainAsync(
            TrainingJob job,
            IProgress<TrainingProgress>? progress,
            CancellationToken cancellationToken
        )
        {
            Began.SetResult(job.Run);
            await End.Task.WaitAsync(cancellationToken);
            return new TunedModel(
                "model",
                stream => stream.WriteAsync(new byte[] { 1 }, CancellationToken.None).AsTask(),
                new Dictionary<string, double>()
            );
        }
    }
}
