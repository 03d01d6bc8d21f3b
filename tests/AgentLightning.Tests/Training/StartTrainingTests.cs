using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Tests.Storage;
using AgentLightning.Training;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Tests.Training;

/// <summary>What cannot be trained is refused before there is a run.</summary>
public sealed class StartTrainingTests : IAsyncLifetime
{
    private readonly FixedEngine _engine = new();
    private Product _product = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        _product = await Product.OpenAsync(services => services.AddSingleton<ITrainingEngine>(_engine));

    public ValueTask DisposeAsync() => _product.DisposeAsync();

    [Theory]
    [InlineData(DatasetKind.Classification, TrainingMethod.Supervised)]
    [InlineData(DatasetKind.Chat, TrainingMethod.Sft)]
    [InlineData(DatasetKind.Preference, TrainingMethod.Dpo)]
    [InlineData(DatasetKind.Prompts, TrainingMethod.Grpo)]
    public async Task A_request_that_names_no_method_gets_what_is_usual_for_its_data_set(DatasetKind kind, TrainingMethod method)
    {
        var run = await StartAsync(new StartTrainingRequest("shop", await DatasetAsync(kind), BaseModel: "tiny", Engine: "fixed"));

        Assert.Equal((method, TrainingStatus.Pending, "tiny"), (run.Method, run.Status, run.BaseModel));
        Assert.Equivalent(run, await _product.Get<GetTrainingRun>().ExecuteAsync(Product.Owner, run.Id, Token), strict: true);
    }

    [Fact]
    public async Task All_mistakes_are_told_at_once()
    {
        _engine.Check = new TrainingCheck(["The hyper-parameter 'seed' is wrong.", "The hyper-parameter 'n_epochs' is wrong."]);
        var request = new StartTrainingRequest("shop", await DatasetAsync(DatasetKind.Chat, rows: 0), "dpo", "tiny", Labels: ["a"]);

        var error = await RefusedAsync(request with { Engine = "fixed" });
        var elsewhere = await RefusedAsync(request with { Method = "magic", Engine = "ray" });

        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.Equal(5, error.Message.Split('\n').Length);
        Assert.Contains("dpo learns from a data set of kind preference", error.Message, StringComparison.Ordinal);
        Assert.Contains("From that learn: sft, reward_weighted_sft, kto", error.Message, StringComparison.Ordinal);
        Assert.Contains("has no row to learn from", error.Message, StringComparison.Ordinal);
        Assert.Contains("labels are for classifiers", error.Message, StringComparison.Ordinal);
        Assert.Contains("'n_epochs' is wrong", error.Message, StringComparison.Ordinal);
        Assert.Contains("method must be one of supervised, policy_gradient, sft,", elsewhere.Message, StringComparison.Ordinal);
        Assert.Contains("engine must be one of fixed, but it is 'ray'", elsewhere.Message, StringComparison.Ordinal);
        Assert.Empty(await _product.Get<ITrainingRunStore>().ListAsync(null, 10, Token));
    }

    [Fact]
    public async Task A_run_that_the_machine_cannot_hold_is_refused_before_it_is_one()
    {
        _engine.Check = new TrainingCheck([], "It would take 9 GB, but 2 GB are free.");

        var error = await RefusedAsync(new StartTrainingRequest("shop", await DatasetAsync(DatasetKind.Chat), Engine: "fixed"));

        Assert.Equal((ErrorKind.Conflict, "It would take 9 GB, but 2 GB are free."), (error.Kind, error.Message));
        Assert.Empty(await _product.Get<ITrainingRunStore>().ListAsync(null, 10, Token));
    }

    [Fact]
    public async Task A_data_set_and_a_run_of_another_agent_are_as_if_there_were_none()
    {
        var dataset = await DatasetAsync(DatasetKind.Chat);
        var run = await StartAsync(new StartTrainingRequest("shop", dataset, BaseModel: "tiny", Engine: "fixed"));
        var stranger = new Scope("key", Role.Write, ["desk"]);

        LightningException[] errors =
        [
            await RefusedAsync(new StartTrainingRequest("desk", dataset, Engine: "fixed")),
            await Assert.ThrowsAsync<LightningException>(() => _product.Get<GetTrainingRun>().ExecuteAsync(stranger, run.Id, Token)),
            await Assert.ThrowsAsync<LightningException>(() => _product.Get<CancelTraining>().ExecuteAsync(stranger, run.Id, Token)),
            await Assert.ThrowsAsync<LightningException>(() =>
                _product.Get<GetTrainingLog>().ExecuteAsync(stranger, new TrainingLogQuery(run.Id), Token)
            ),
            await Assert.ThrowsAsync<LightningException>(() => _product.Get<ExecuteTraining>().ExecuteAsync(stranger, run.Id, null, Token)),
        ];

        Assert.All(errors, error => Assert.Equal(ErrorKind.NotFound, error.Kind));
        Assert.Empty((await _product.Get<ListTrainingRuns>().ExecuteAsync(stranger, new TrainingRunQuery(null, null), Token)).Items);
        Assert.Single(
            (await _product.Get<ListTrainingRuns>().ExecuteAsync(Product.Owner, new TrainingRunQuery("shop", null), Token)).Items
        );
    }

    private Task<TrainingRun> StartAsync(StartTrainingRequest request) =>
        _product.Get<StartTraining>().ExecuteAsync(Product.Owner, request, Token);

    private Task<LightningException> RefusedAsync(StartTrainingRequest request) =>
        Assert.ThrowsAsync<LightningException>(() => StartAsync(request));

    private async Task<string> DatasetAsync(DatasetKind kind, int rows = 3) =>
        (
            await _product
                .Get<IDatasetStore>()
                .AddAsync(
                    new Dataset(
                        Guid.NewGuid().ToString(),
                        "shop",
                        "data",
                        0,
                        "all",
                        null,
                        1,
                        rows,
                        1,
                        4,
                        "sha256:" + new string('0', 64),
                        DateTimeOffset.UnixEpoch
                    )
                    {
                        Kind = kind,
                    },
                    Token
                )
        ).Id;

    /// <summary>Says of every plan what the test wants.</summary>
    private sealed class FixedEngine : ITrainingEngine
    {
        public TrainingCheck Check { get; set; } = TrainingCheck.Good;

        public string Name => "fixed";

        public Task<TrainingCheck> CheckAsync(TrainingPlan plan, CancellationToken cancellationToken) => Task.FromResult(Check);

        public Task<TunedModel> TrainAsync(TrainingJob job, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }
}
