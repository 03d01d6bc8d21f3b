using AgentLightning.Access;
using AgentLightning.Datasets;
using AgentLightning.Episodes;
using AgentLightning.Rewards;
using AgentLightning.Testing;
using AgentLightning.Training;
using AgentLightning.Triage;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AgentLightning.Tests.Storage;

/// <summary>The whole product over a store of its own, for tests of what stands on the stores.</summary>
public sealed class Product : IAsyncDisposable
{
    public const string Agent = TriageAgent.DefaultAgentId;

    /// <summary>Who may do everything.</summary>
    public static Scope Owner { get; } = Scope.Owner("test");

    private readonly TemporaryFolder _folder = new();
    private readonly ServiceProvider _services;

    private Product(Action<IServiceCollection>? configure)
    {
        var services = new ServiceCollection().AddLogging();
        configure?.Invoke(services);
        _services = services.AddLightningServices(Options).BuildServiceProvider();
    }

    public LightningOptions Options => new() { Store = _folder.File("lightning.db") };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<Product> OpenAsync(Action<IServiceCollection>? configure = null)
    {
        var product = new Product(configure);
        await product._services.OpenLightningAsync(create: true, Token);
        return product;
    }

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    /// <summary>Captures an answered episode with a reward; the answer is the label it was given for.</summary>
    public async Task AddRewardedAsync(
        string id,
        string text,
        string action,
        double reward,
        string? correction = null,
        string? deploymentId = null
    )
    {
        await Get<IEpisodeStore>()
            .AddAsync(
                [
                    new Episode
                    {
                        Id = id,
                        AgentId = Agent,
                        UserInput = new FeedbackTask(text).ToJson(),
                        InputKey = new FeedbackTask(text).Key,
                        AssistantOutput = action,
                        Action = action,
                        ActionLogProbability = -0.1,
                        DeploymentId = deploymentId,
                        RequestLatencyMs = 1,
                        CreatedAt = DateTimeOffset.UnixEpoch.AddDays(20_000),
                    },
                ],
                Token
            );
        await Get<IRewardStore>()
            .AddAsync(
                [
                    new Reward
                    {
                        Id = "reward-" + id,
                        EpisodeId = id,
                        AgentId = Agent,
                        Source = RewardSource.HumanApproval,
                        Value = reward,
                        Correction = correction,
                        CreatedAt = DateTimeOffset.UnixEpoch.AddDays(20_000),
                    },
                ],
                Token
            );
    }

    /// <summary>A succeeded run whose model is a policy that always looks for the words of the labels.</summary>
    public async Task<TrainingRun> AddRunAsync(params string[] labels)
    {
        var dataset = await Get<IDatasetStore>()
            .AddAsync(
                new Dataset(
                    Guid.NewGuid().ToString(),
                    Agent,
                    "data",
                    0,
                    "rewarded",
                    null,
                    1,
                    1,
                    1,
                    2,
                    "sha256:" + new string('0', 64),
                    DateTimeOffset.UnixEpoch
                ),
                Token
            );
        var artifact = await Get<AgentLightning.Storage.IArtifactStore>().PutAsync(new LabelNamePolicy(labels).WriteAsync, Token);
        var run = new TrainingRun(
            Guid.NewGuid().ToString(),
            Agent,
            dataset.Id,
            "local",
            TrainingMethod.Supervised,
            "base",
            null,
            null,
            TrainingStatus.Pending,
            new Dictionary<string, string>(),
            null,
            null,
            DateTimeOffset.UnixEpoch,
            null,
            null
        );
        var runs = Get<ITrainingRunStore>();
        await runs.AddAsync(run, Token);
        await runs.TryMoveAsync(run with { Status = TrainingStatus.Running }, Token);
        run = run with { Status = TrainingStatus.Succeeded, TunedModelName = "model-" + string.Join('-', labels), Artifact = artifact };
        await runs.TryMoveAsync(run, Token);
        return run;
    }

    public string ArtifactPath(string id) => Path.Combine(Options.ArtifactFolder, id["sha256:".Length..]);

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        _folder.Dispose();
    }
}
