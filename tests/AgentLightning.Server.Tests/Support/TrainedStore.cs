using System.Globalization;
using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Datasets;
using AgentLightning.Episodes;
using AgentLightning.Evaluation;
using AgentLightning.Rewards;
using AgentLightning.Server.Tests.Support;
using AgentLightning.Testing;
using AgentLightning.Training;
using AgentLightning.Triage;
using Microsoft.Extensions.DependencyInjection;

[assembly: AssemblyFixture(typeof(TrainedStore))]

namespace AgentLightning.Server.Tests.Support;

/// <summary>
/// A store with rewarded feedback and training runs, made once by the product's own services; every test works on a copy.
/// Nothing is released in it: the rules serve.
/// </summary>
public sealed class TrainedStore : IAsyncLifetime
{
    private const string Agent = TriageAgent.DefaultAgentId;
    private readonly TemporaryFolder _folder = new();

    /// <summary>A run that passed the gate.</summary>
    public string GoodRun { get; private set; } = "";

    /// <summary>Another run that passed the gate, with another model.</summary>
    public string OtherGoodRun { get; private set; } = "";

    /// <summary>A run that was evaluated and did not pass.</summary>
    public string BadRun { get; private set; } = "";

    /// <summary>A run that nobody evaluated.</summary>
    public string UnprovenRun { get; private set; } = "";

    /// <summary>The artifacts of the runs, by run.</summary>
    public Dictionary<string, string> Artifacts { get; } = [];

    private static readonly Scope s_owner = Scope.Owner("test");

    /// <summary>A text that the rules and the good run's model put into different categories.</summary>
    public string TellingText { get; private set; } = "";

    public long Episodes { get; private set; }

    public ValueTask InitializeAsync() => new(FillAsync(_folder.File("lightning.db")));

    /// <summary>Makes the same in another, empty store.</summary>
    public async Task FillAsync(string store)
    {
        await using var server = await ServerUnderTest.StartAsync(store);
        var services = server.App.Services;
        var items = ReadFeedback();
        Episodes = items.Count;
        await CaptureAsync(services, items);

        var dataset = await services
            .GetRequiredService<BuildDataset>()
            .ExecuteAsync(s_owner, new DatasetRequest(Agent, "feedback", Seed: 1), CancellationToken.None);
        GoodRun = await TrainAsync(services, dataset, TrainingMethod.Supervised, ("seed", "1"));
        OtherGoodRun = await TrainAsync(services, dataset, TrainingMethod.Supervised, ("seed", "2"));
        UnprovenRun = await TrainAsync(services, dataset, TrainingMethod.Supervised, ("seed", "3"));
        BadRun = await TrainAsync(services, dataset, TrainingMethod.PolicyGradient, ("seed", "4"), ("reward_scale", "-1"));
        Assert.True(await EvaluateAsync(services, GoodRun), "the good run did not pass the gate");
        Assert.True(await EvaluateAsync(services, OtherGoodRun), "the other good run did not pass the gate");
        Assert.False(await EvaluateAsync(services, BadRun), "the bad run passed the gate");

        var run = await services.GetRequiredService<ITrainingRunStore>().FindAsync(GoodRun, CancellationToken.None);
        var (rules, good) = (
            new RuleTriagePolicy(),
            await services.GetRequiredService<TriagePolicies>().OfRunAsync(run!, CancellationToken.None)
        );
        TellingText = items
            .Select(item => item.Comment)
            .First(text => Answer(rules, new FeedbackTask(text)) != Answer(good, new FeedbackTask(text)));
    }

    /// <summary>Copies the store and its artifacts; returns the path of the store.</summary>
    public string CopyTo(TemporaryFolder folder)
    {
        foreach (var file in Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories))
        {
            var target = folder.File(Path.GetRelativePath(_folder.Path, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        return folder.File("lightning.db");
    }

    /// <summary>The file of a run's model in a copy of the store.</summary>
    public string ArtifactFile(TemporaryFolder folder, string run) =>
        Path.Combine(folder.File("lightning.artifacts"), Artifacts[run]["sha256:".Length..]);

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    private static async Task CaptureAsync(IServiceProvider services, IReadOnlyList<Item> items)
    {
        var (agent, rewards) = (services.GetRequiredService<TriageFeedback>(), new List<Reward>());
        foreach (var item in items)
        {
            var answer = await agent.ExecuteAsync(
                s_owner,
                new FeedbackTask(item.Comment),
                new TriageCall(Agent, item.Id, Exploration: 0.3),
                new Random(rewards.Count),
                CancellationToken.None
            );
            rewards.Add(
                new Reward
                {
                    Id = $"reward-{item.Id}",
                    EpisodeId = item.Id,
                    AgentId = Agent,
                    Source = RewardSource.HumanApproval,
                    CreatedAt = DateTimeOffset.UtcNow,
                    Value = answer.Analysis.Category == item.Category ? 1 : -1,
                    Correction = item.Category,
                }
            );
        }

        await services.GetRequiredService<EpisodeRecorder>().FlushAsync(CancellationToken.None);
        await services.GetRequiredService<IRewardStore>().AddAsync(rewards, CancellationToken.None);
    }

    private async Task<string> TrainAsync(
        IServiceProvider services,
        Dataset dataset,
        TrainingMethod method,
        params (string Name, string Value)[] hyperparameters
    )
    {
        var request = new TrainingRequest(
            Agent,
            dataset.Id,
            method,
            RuleTriagePolicy.PolicyName,
            FeedbackCategories.All,
            hyperparameters.ToDictionary(pair => pair.Name, pair => pair.Value)
        );
        var run = await services.GetRequiredService<TrainingRunner>().RunAsync(s_owner, request, null, CancellationToken.None);
        Assert.True(
            run.Status == TrainingStatus.Succeeded,
            string.Create(CultureInfo.InvariantCulture, $"training {run.Status}: {run.ErrorMessage}")
        );
        Artifacts[run.Id] = run.Artifact!;
        return run.Id;
    }

    private static async Task<bool> EvaluateAsync(IServiceProvider services, string runId)
    {
        var run = (await services.GetRequiredService<ITrainingRunStore>().FindAsync(runId, CancellationToken.None))!;
        var (rules, trained) = (
            new RuleTriagePolicy(),
            await services.GetRequiredService<TriagePolicies>().OfRunAsync(run, CancellationToken.None)
        );
        var evaluation = await services
            .GetRequiredService<Evaluator>()
            .EvaluateAsync(
                s_owner,
                run,
                new Contestant(rules.Name, null, input => Answer(rules, FeedbackTask.FromJson(input))),
                new Contestant(trained.Name, null, input => Answer(trained, FeedbackTask.FromJson(input))),
                CancellationToken.None
            );
        return evaluation.Verdict.Passed;
    }

    private static string Answer(ITriagePolicy policy, FeedbackTask task) =>
        policy.Categories[policy.Score(task, new float[policy.Categories.Count])];

    private static List<Item> ReadFeedback() =>
        [
            .. File.ReadLines(Path.Combine(Repository.Root, "src", "AgentLightning.Cli", "Demo", "feedback.jsonl"))
                .Select(line => JsonSerializer.Deserialize<Item>(line, JsonSerializerOptions.Web)!),
        ];

    private sealed record Item(string Id, string Comment, string Category);
}
