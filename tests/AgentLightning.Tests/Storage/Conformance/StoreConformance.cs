using AgentLightning.Datasets;
using AgentLightning.Episodes;
using AgentLightning.Rewards;
using AgentLightning.Storage;
using AgentLightning.Training;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Tests.Storage.Conformance;

/// <summary>What every suite needs: an open, empty store, and records to put into it.</summary>
public abstract class StoreConformance<TEngine> : IAsyncLifetime
    where TEngine : StoreEngine, new()
{
    protected static readonly DateTimeOffset Noon = new(2026, 3, 4, 12, 0, 0, TimeSpan.Zero);

    protected TEngine Engine { get; } = new();

    protected IServiceProvider Services { get; private set; } = null!;

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => Services = await Engine.OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected T Get<T>()
        where T : notnull => Services.GetRequiredService<T>();

    protected static Episode NewEpisode(string id, string agent = "agent", int minute = 0) =>
        new()
        {
            Id = id,
            AgentId = agent,
            UserInput = $"input of {id}",
            AssistantOutput = $"output of {id}",
            CreatedAt = Noon.AddMinutes(minute),
            RequestLatencyMs = 12.5,
            Action = "yes",
            ActionLogProbability = -0.5,
        };

    protected static Reward NewReward(
        string id,
        string episode,
        double value,
        string agent = "agent",
        RewardSource source = RewardSource.HumanApproval
    ) =>
        new()
        {
            Id = id,
            EpisodeId = episode,
            AgentId = agent,
            Source = source,
            Value = value,
            CreatedAt = Noon,
        };

    protected async Task<Dataset> AddDatasetAsync(string id = "data", string name = "name", string agent = "agent") =>
        await Get<IDatasetStore>()
            .AddAsync(new Dataset(id, agent, name, 0, "rewarded", 0.5, 7, 3, 1, 4, "sha256:" + new string('0', 64), Noon), Token);

    protected async Task<TrainingRun> AddRunAsync(string id, string dataset = "data", string agent = "agent")
    {
        var run = new TrainingRun(
            id,
            agent,
            dataset,
            "local",
            TrainingMethod.Supervised,
            "base",
            null,
            null,
            TrainingStatus.Pending,
            new Dictionary<string, string> { ["seed"] = "1" },
            null,
            null,
            Noon,
            null,
            null
        );
        await Get<ITrainingRunStore>().AddAsync(run, Token);
        return run;
    }
}
