using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Deployments;
using AgentLightning.Episodes;
using AgentLightning.Evaluation;
using AgentLightning.Rewards;
using AgentLightning.Storage;
using AgentLightning.Training;
using CsCheck;

namespace AgentLightning.Tests.Storage.Conformance;

/// <summary>
/// Thousands of operations with arguments drawn so that they meet one another, on an engine opened twice and on <see cref="StoreModel"/>:
/// each must answer alike. An operation is drawn out of a number and of what the model holds, so that a list of numbers is a run: of those
/// that fail CsCheck looks for a short one, and names the seed, which <c>CsCheck_Seed</c> runs again.
/// </summary>
public abstract class RandomOperationsConformance<TEngine> : StoreConformance<TEngine>
    where TEngine : StoreEngine, new()
{
    private const int Runs = 16;
    private const int MostOperations = 250;
    private static readonly string[] s_agents = ["agent", "Agent", "other"];
    private static readonly PairedComparison s_comparison = PairedComparison.Of(["a", "b", "a"], ["a", "a", "a"], ["a", "b", "a"], seed: 1);
    private static readonly string[] s_texts =
    [
        "",
        "plain",
        "Ünï çödé 🙂",
        "quote ' and \" and \\ and ; -- and @id",
        "tab\tline\nend\u0001",
        new('x', 500),
        string.Concat(Enumerable.Repeat("🙂", 150)),
        "a" + string.Concat(Enumerable.Repeat("🙂", 150)),
    ];

    /// <summary>What has no owner that a deletion of it takes along, children first.</summary>
    private static readonly string[] s_tables =
    [
        "deployments",
        "evaluations",
        "training_runs",
        "datasets",
        "episodes",
        "daily_totals",
        "release_totals",
        "release_latencies",
    ];

    private readonly List<string> _names = [];
    private StoreModel _model = new();
    private Random _random = Random.Shared;
    private int _step;

    private string Agent => Pick(s_agents);

    private string? AnyAgent => _random.Next(3) == 0 ? null : Agent;

    private DateTimeOffset Time => Noon.AddMinutes(_random.Next(6)).AddMicroseconds(_random.Next(2));

    [Fact]
    public async Task Every_answer_is_the_one_of_the_model()
    {
        IServiceProvider[] processes = [Services, await Engine.OpenAsync()];
        var (operations, refused, made) = (0, 0, 0);

        await Gen
            .Int.Array[1, MostOperations]
            .SampleAsync(
                async numbers =>
                {
                    await EmptyAsync();
                    for (_step = 0; _step < numbers.Length; _step++)
                    {
                        _random = new Random(numbers[_step]);
                        var (name, operation) = Draw();
                        _names.Add(name);
                        var expected = await AnswerAsync(operation, _ => _model);
                        var seen = await AnswerAsync(operation, type => Pick(processes).GetService(type)!);
                        Assert.True(expected == seen, $"operation {_step}, {name}:\nexpected {expected}\nbut was  {seen}");
                        refused += expected.StartsWith("refused", StringComparison.Ordinal) ? 1 : 0;
                    }

                    operations += numbers.Length;
                    made += _model.Episodes.Count + _model.Rewards.Count + _model.Deployments.Count;
                },
                iter: Runs,
                threads: 1,
                print: _ => string.Join('\n', _names)
            );

        // Operations that are mostly refused, or never, would say little.
        Assert.InRange(refused, operations / 200, operations / 4);
        Assert.True(made > operations / 8, $"{operations} operations made only {made} records");
    }

    private async Task EmptyAsync()
    {
        _names.Clear();
        _model = new StoreModel();
        foreach (var table in s_tables)
        {
            await Engine.DamageAsync($"DELETE FROM {table} WHERE @id IS NOT NULL", "");
        }
    }

    private (string Name, Func<Func<Type, object>, Task<object?>> Run) Draw()
    {
        var (agent, anyAgent, time, limit, text, step) = (Agent, AnyAgent, Time, _random.Next(1, 12), Pick(s_texts), _step);
        var (episodeId, rewardId, runId) = (EpisodeId(), RewardId(), Known(_model.Runs.Select(run => run.Id)));
        switch (_random.Next(31))
        {
            case 0 or 1 or 2 or 3:
                var episodes = Enumerable.Range(0, _random.Next(1, 4)).Select(_ => DrawEpisode()).ToList();
                return ($"add episodes {Json(episodes)}", async get => await Of<IEpisodeStore>(get).AddAsync(episodes, Token));
            case 4 when _random.Next(2) == 0:
                string[] ids = [episodeId, DrawEpisode().Id, "none"];
                return ($"origins of {Json(ids)}", async get =>
                    (await Of<IEpisodeStore>(get).OriginsAsync(ids, Token))
                        .OrderBy(origin => origin.EpisodeId, StringComparer.Ordinal)
                        .ToList()
                );
            case 4:
                return ($"find episode {episodeId}", async get => await Of<IEpisodeStore>(get).FindAsync(episodeId, Token));
            case 5 or 6:
                var query = new EpisodeQuery(
                    anyAgent,
                    _random.Next(3) == 0 ? time : null,
                    _random.Next(3) == 0 ? Time : null,
                    limit,
                    _random.Next(2) == 0 ? episodeId : null,
                    _random.Next(5) == 0 ? text : null,
                    _random.Next(5) == 0 ? "user1" : null
                );
                return ($"list {query}", async get => await Of<IEpisodeStore>(get).ListAsync(query, Token));
            case 7:
                return ($"count episodes of {anyAgent}", async get => await Of<IEpisodeStore>(get).CountAsync(anyAgent, Token));
            case 8 or 9 or 10 or 11:
                var rewards = Enumerable.Range(0, _random.Next(1, 4)).Select(_ => DrawReward()).ToList();
                return ($"add rewards {Json(rewards)}", async get => await Of<IRewardStore>(get).AddAsync(rewards, Token));
            case 12:
                return ($"find reward {rewardId}", async get => await Of<IRewardStore>(get).FindAsync(rewardId, Token));
            case 13:
                return ($"history of {episodeId}", async get => await Of<IRewardStore>(get).HistoryAsync(episodeId, Token));
            case 14:
                return ($"summarise {anyAgent}", async get => Rounded(await Of<IRewardStore>(get).SummariseAsync(anyAgent, Token)));
            case 15:
                return ($"summarise release d1 over {limit}", async get =>
                    Rounded(await Of<IRewardStore>(get).SummariseDeploymentAsync("d1", limit, Token))
                );
            case 16:
                var dataset = new Dataset(
                    $"s{step}",
                    agent,
                    $"name{_random.Next(2)}",
                    0,
                    text,
                    _random.Next(2) == 0 ? null : 0.5,
                    _random.NextInt64(),
                    1,
                    2,
                    3,
                    "artifact",
                    time
                );
                return ($"add data set {dataset}", async get => await Of<IDatasetStore>(get).AddAsync(dataset, Token));
            case 17:
                return ($"data sets of {anyAgent}", async get =>
                    (
                        await Of<IDatasetStore>(get).ListAsync(anyAgent, limit, Token),
                        await Of<IDatasetStore>(get).CountAsync(anyAgent, Token)
                    )
                );
            case 23:
                var selection = DrawSelection();
                return ($"delete {limit} of {Json(selection)}", async get =>
                    await Of<IEpisodeStore>(get).DeleteAsync(selection, limit, Token)
                );
            case 30:
                var first = DrawSelection();
                return ($"choose {limit} of {Json(first)}", async get => await Of<IEpisodeStore>(get).ChooseAsync(first, limit, Token));
            case 24:
                var older = DrawSelection();
                return ($"remove payloads of {limit} of {Json(older)}", async get =>
                    await Of<IEpisodeStore>(get).RemovePayloadsAsync(older, limit, Token)
                );
            case 25:
                return ($"read all of {anyAgent}", async get =>
                    await Of<IEpisodeStore>(get).ReadAsync(new EpisodeQuery(anyAgent, Limit: limit), Token).ToListAsync(Token)
                );
            case 27:
                var late = Enumerable.Range(0, _random.Next(1, 4)).Select(_ => DrawEpisode()).DistinctBy(episode => episode.Id).ToList();
                return ($"update what was read {Json(late)}", async get => await Of<IEpisodeStore>(get).UpdateReadAsync(late, Token));
            case 26:
                return ($"find by message {text}", async get =>
                    (
                        await Of<IEpisodeStore>(get).FindByMessageAsync($"m{step % 9}", null, Token),
                        await Of<IEpisodeStore>(get).FindBaseModelAsync(agent, Token)
                    )
                );
            case 29:
                var rewardQuery = new RewardQuery(
                    anyAgent,
                    _random.Next(3) == 0 ? episodeId : null,
                    _random.Next(3) == 0 ? Pick(Enum.GetValues<RewardSource>()) : null,
                    limit,
                    _random.Next(2) == 0 ? rewardId : null
                );
                return ($"list {rewardQuery}", async get => await Of<IRewardStore>(get).ListAsync(rewardQuery, Token));
            case 28:
                return ($"range of {anyAgent}", async get => await Of<IRewardStore>(get).FindRangeAsync(anyAgent, Token));
            case 18 when _model.Datasets.Count > 0:
                var run = new TrainingRun(
                    $"t{step}",
                    agent,
                    Pick(_model.Datasets).Id,
                    "local",
                    Pick(Enum.GetValues<TrainingMethod>()),
                    "base",
                    null,
                    null,
                    TrainingStatus.Pending,
                    new Dictionary<string, string> { ["text"] = text },
                    null,
                    null,
                    time,
                    null,
                    null
                );
                return ($"add run {run.Id}", async get => await Done(Of<ITrainingRunStore>(get).AddAsync(run, Token)));
            case 19 when _model.Runs.Count > 0:
                var moved = Pick(_model.Runs) with
                {
                    Status = Pick(Enum.GetValues<TrainingStatus>()),
                    ErrorMessage = text,
                    StartedAt = time,
                    Metrics = new Dictionary<string, double> { ["loss"] = _random.NextDouble() },
                };
                return ($"move run {moved}", async get => await Of<ITrainingRunStore>(get).TryMoveAsync(moved, Token));
            case 20:
                return ($"runs of {anyAgent}, and {runId}", async get =>
                    (
                        await Of<ITrainingRunStore>(get).ListAsync(anyAgent, limit, Token),
                        (await Of<ITrainingRunStore>(get).CountByStatusAsync(anyAgent, Token)).OrderBy(count => count.Key),
                        await Of<ITrainingRunStore>(get).FindAsync(runId, Token),
                        await Of<IEvaluationStore>(get).FindLatestAsync(runId, Token)
                    )
                );
            case 21 when _model.Runs.Count > 0:
                var ofRun = Pick(_model.Runs);
                var evaluation = new EvaluationRecord(
                    $"v{step}",
                    agent,
                    ofRun.Id,
                    ofRun.DatasetId,
                    "rules",
                    null,
                    text,
                    s_comparison,
                    new GateVerdict(_random.Next(2) == 0, text),
                    time
                );
                return ($"add evaluation of {ofRun.Id}", async get => await Done(Of<IEvaluationStore>(get).AddAsync(evaluation, Token)));
            case 22:
                var release = DrawRelease(agent);
                var active = _model
                    .Deployments.Find(known => known.IsActive && (known.AgentId, known.Slot) == (release.AgentId, release.Slot))
                    ?.Id;
                var expected = _random.Next(4) == 0 ? Known(_model.Deployments.Select(known => known.Id)) : active;
                return ($"activate {release}, expecting {expected}", async get =>
                    await Of<IDeploymentStore>(get).ActivateAsync(release, expected, Token)
                );
            default:
                var slot = _random.Next(2) == 0 ? null : "canary";
                return ($"releases of {anyAgent} in {slot}", async get =>
                    (
                        await Of<IDeploymentStore>(get).ListAsync(anyAgent, slot, limit, Token),
                        await Of<IDeploymentStore>(get).CountAsync(anyAgent, Token),
                        await Of<IDeploymentStore>(get).FindActiveAsync(agent, slot ?? Deployment.DefaultSlot, Token)
                    )
                );
        }
    }

    private Episode DrawEpisode() =>
        NewEpisode(EpisodeId(), Agent) with
        {
            UserInput = Pick(s_texts),
            AssistantOutput = Pick(s_texts),
            CreatedAt = Time,
            InputKey = _random.Next(3) == 0 ? null : $"k{_random.Next(20)}",
            Internal = _random.Next(6) == 0,
            Status = _random.Next(6) == 0 ? EpisodeStatus.Failed : EpisodeStatus.Succeeded,
            DeploymentId = _random.Next(2) == 0 ? "d1" : null,
            Action = _random.Next(6) == 0 ? null : "yes",
            ActionLogProbability = _random.Next(3) == 0 ? null : -_random.NextDouble(),
            SessionId = _random.Next(2) == 0 ? null : Pick(s_texts),
            ToolCalls =
            [
                .. Enumerable
                    .Range(0, _random.Next(3))
                    .Select(i => new EpisodeToolCall($"tool{i}", Pick(s_texts), null, _random.NextDouble(), null)),
            ],
            TraceId = _random.Next(2) == 0 ? null : $"{_random.Next(3):x32}",
            ModelDeployment = _random.Next(2) == 0 ? null : $"model{_random.Next(2)}",
            UserId = _random.Next(2) == 0 ? null : $"user{_random.Next(3)}",
            MessageId = _random.Next(3) == 0 ? $"m{_random.Next(9)}" : null,
            Intent = _random.Next(2) == 0 ? null : Pick(s_texts),
            Persona = _random.Next(4) == 0 ? "p" : null,
            Error = _random.Next(6) == 0 ? Pick(s_texts) : null,
            Tags = _random.Next(3) == 0 ? [Pick(s_texts), "b"] : [],
            Messages =
                _random.Next(3) == 0
                    ? [new("user", Pick(s_texts)), new("assistant", null, ToolCalls: [new("c", "tool", Pick(s_texts))])]
                    : [],
            Tokens = _random.Next(4) == 0 ? new([1, 2], [3], [-_random.NextDouble()]) : null,
            TokenUsage = _random.Next(2) == 0 ? null : new TokenUsage(1, 2, 3),
            RequestLatencyMs = _random.NextDouble() * 1e6,
        };

    // Eighths add up without rounding, in any order.
    private Reward DrawReward() =>
        NewReward(
            RewardId(),
            EpisodeId(),
            _random.Next(40) == 0 ? 1.5 : _random.Next(-8, 9) / 8.0,
            Agent,
            Pick(Enum.GetValues<RewardSource>())
        ) with
        {
            Evaluator = _random.Next(3) == 0 ? "second" : "",
            CreatedAt = Time,
            Correction = _random.Next(3) == 0 ? Pick(s_texts) : null,
            RawValue = _random.Next(2) == 0 ? null : _random.NextDouble(),
            Comments = _random.Next(2) == 0 ? null : Pick(s_texts),
        };

    private EpisodeSelection DrawSelection() =>
        _random.Next(6) switch
        {
            0 => new(),
            1 => new(Agent, UserId: "user1"),
            2 => new(SessionId: Pick(s_texts)),
            3 => new(AnyAgent, OlderThan: Time),
            4 => new(AnyAgent, [EpisodeId(), EpisodeId(), "nobody"]),
            _ => new(AnyAgent, [], "none", OlderThan: Time),
        };

    private Deployment DrawRelease(string agent)
    {
        // One in ten names a run that does not exist. No two are made at the same time: the order of such is not promised.
        var run =
            _random.Next(10) == 0 ? "nobody"
            : _random.Next(2) == 0 && _model.Runs.Count > 0 ? Pick(_model.Runs).Id
            : null;
        return new Deployment(
            $"p{_step}",
            agent,
            _random.Next(3) == 0 ? "canary" : Deployment.DefaultSlot,
            0,
            run,
            null,
            Pick(s_texts),
            null,
            true,
            _random.Next(2) == 0,
            null,
            Noon.AddSeconds(_step),
            "test",
            null,
            _random.Next(2) == 0 ? null : Pick(s_texts)
        );
    }

    private static async Task<string> AnswerAsync(Func<Func<Type, object>, Task<object?>> operation, Func<Type, object> get)
    {
        try
        {
            return Json(await operation(get));
        }
        catch (LightningException e)
        {
            return $"refused: {e.Kind}";
        }
    }

    private static T Of<T>(Func<Type, object> get) => (T)get(typeof(T));

    private static async Task<object?> Done(Task task)
    {
        await task;
        return null;
    }

    private static object Rounded(RewardSummary summary) => (summary.Count, Math.Round(summary.Mean, 9), Math.Round(summary.Variance, 9));

    private static string Json(object? value) => JsonSerializer.Serialize(value, s_json);

    private static readonly JsonSerializerOptions s_json = new(LightningJson.Options) { IncludeFields = true };

    private string EpisodeId() => $"{Pick("eE_é")}{_random.Next(60)}";

    private string RewardId() => $"r{_random.Next(600)}";

    private string Known(IEnumerable<string> ids) =>
        ids.OrderBy(id => id, StringComparer.Ordinal).ToList() is { Count: > 0 } known ? Pick(known) : "nobody";

    private T Pick<T>(IReadOnlyList<T> items) => items[_random.Next(items.Count)];

    private char Pick(string letters) => letters[_random.Next(letters.Length)];
}
