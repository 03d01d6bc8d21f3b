using System.Diagnostics;
using System.Globalization;
using AgentLightning.Access;
using AgentLightning.Cli.Commands;
using AgentLightning.Cli.Input;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Deployments;
using AgentLightning.Episodes;
using AgentLightning.Evaluation;
using AgentLightning.Rewards;
using AgentLightning.Storage;
using AgentLightning.Training;
using AgentLightning.Triage;

namespace AgentLightning.Cli.Demo;

/// <summary>Hears how far a step is: 0…1, and what there is to say.</summary>
internal delegate void ReportStep(double share, string text);

/// <summary>
/// The whole loop, step by step, over a store: capture → reward → data set → train → evaluate → promote → serve, then a bad release and its
/// rollback. Every step may be repeated: its records have ids of their own, so that a second try adds nothing.
/// </summary>
internal sealed class DemoRunner(
    Workspace workspace,
    DemoFolder folder,
    DemoOptions options,
    DemoState state,
    IReadOnlyList<LabelledItem> items,
    IReadOnlyList<string> labels
)
{
    public const double HeldOutShare = 0.25;
    private const double Exploration = 0.2;
    private const int ServedItems = 200;
    private const string Agent = TriageAgent.DefaultAgentId;
    private static readonly Scope s_scope = Scope.Owner("demo");

    private readonly IReadOnlyList<LabelledItem> _traffic = LabelledSet.Shuffled(items, options.Seed);

    /// <summary>What users send after the release: inputs that no policy has learned from.</summary>
    private readonly IReadOnlyList<LabelledItem> _unseen =
    [
        .. LabelledSet
            .Shuffled(items, options.Seed)
            .Where(item => DatasetReader.SideOf(item.Task.Key, options.Seed, HeldOutShare) == DatasetSide.Validation),
    ];

    private readonly SimulatedReviewer _reviewer = new(
        items.ToDictionary(item => item.Task.Key),
        options,
        workspace.Get<EpisodeRecorder>(),
        workspace.Get<IRewardStore>(),
        workspace.Get<TimeProvider>()
    );

    /// <summary>The steps with their names in <c>demo.json</c>, in order.</summary>
    public IReadOnlyList<(string Name, string Title, Func<ReportStep, CancellationToken, Task> Run)> Steps =>
        [
            ("capture", "Capture: a policy answers, people reward", CaptureAsync),
            ("dataset", "Data set: split, held out, hashed", BuildDatasetAsync),
            ("train", options.Method == TrainingMethod.Supervised ? "Train from labels" : "Train from rewards only", TrainAsync),
            ("evaluate", "Evaluate on held-out items", EvaluateAsync),
            ("promote", "Gate and promote", PromoteAsync),
            ("serve", "Serve the release", ServeAsync),
            ("bad-release", "A bad release is forced past the gate", ReleaseBadAsync),
            ("guard", "Serve it, watched by the guard", ServeBadAsync),
        ];

    /// <param name="begin">Hears the title of each step, and gives what hears how far it is and what hears that it is done.</param>
    public async Task RunAsync(Func<string, (ReportStep Report, Action Done)> begin, CancellationToken cancellationToken)
    {
        await workspace.Get<TrainingRunner>().FailInterruptedAsync(s_scope, Agent, cancellationToken);
        foreach (var (name, title, run) in Steps)
        {
            var (report, done) = begin(title);
            if (!state.Done.Contains(name))
            {
                var clock = Stopwatch.StartNew();
                await run(report, cancellationToken);
                state.Seconds += clock.Elapsed.TotalSeconds;
                state.Done.Add(name);
                folder.Save(state);
            }

            done();
        }

        state.Episodes = await workspace.Get<IEpisodeStore>().CountAsync(Agent, cancellationToken);
        state.Rewards = (await workspace.Get<IRewardStore>().SummariseAsync(Agent, cancellationToken)).Count;
        folder.Save(state);
    }

    public DemoResult Result() =>
        new(
            state.Evaluation!.Comparison.Baseline,
            state.Evaluation.Comparison.Candidate,
            new DemoGate(state.Evaluation.Verdict.Passed, state.Evaluation.Comparison.PValue),
            state.ReleaseId is not null,
            new DemoRollback(state.RollbackReason is not null, state.RollbackReason ?? NoRollback()),
            state.Episodes!.Value,
            state.Rewards!.Value,
            Math.Round(state.Seconds, 1),
            state.Seed
        );

    private async Task CaptureAsync(ReportStep report, CancellationToken cancellationToken)
    {
        if (await workspace.Get<IDeploymentStore>().FindActiveAsync(Agent, Deployment.DefaultSlot, cancellationToken) is null)
        {
            await ReleaseFirstPolicyAsync(cancellationToken);
        }

        var agent = workspace.Get<TriageFeedback>();
        var (given, comparable) = (new List<Reward>(), new List<double>());
        var servedLater = _unseen.Take(ServedItems).Select(item => item.Task.Key).ToHashSet();
        for (var i = 0; i < _traffic.Count; i++)
        {
            var task = _traffic[i].Task;
            var call = new TriageCall(Agent, $"demo-capture-{i:000000}", Exploration: Exploration);
            var answer = await agent.ExecuteAsync(s_scope, task, call, new Random(HashCodeOf(i)), cancellationToken);
            given.Add(_reviewer.Judge(answer.Episode, task, answer.Analysis, $"demo-capture-reward-{i:000000}"));
            // What is compared with the answers after the release: the same inputs, and the policy's own choice.
            if (servedLater.Contains(task.Key) && answer.Episode.ActionLogProbability >= Math.Log(1 - Exploration))
            {
                comparable.Add(given[^1].Value);
            }

            report((double)i / _traffic.Count, $"{i + 1} episodes");
        }

        await workspace.Get<EpisodeRecorder>().FlushAsync(cancellationToken);
        await workspace.Get<IRewardStore>().AddAsync(given, cancellationToken);
        state.ServingRewards["before"] = comparable.DefaultIfEmpty().Average();
    }

    private async Task ReleaseFirstPolicyAsync(CancellationToken cancellationToken)
    {
        var first = options.File is null
            ? new PromoteBaseRequest(Agent, RuleTriagePolicy.PolicyName)
            : new PromoteBaseRequest(
                Agent,
                LabelNamePolicy.PolicyName,
                await workspace.Get<IArtifactStore>().PutAsync(new LabelNamePolicy(labels).WriteAsync, cancellationToken)
            );
        await workspace.Get<PromoteBase>().ExecuteAsync(s_scope, first, cancellationToken);
    }

    private async Task BuildDatasetAsync(ReportStep report, CancellationToken cancellationToken)
    {
        var dataset = await workspace
            .Get<BuildDataset>()
            .ExecuteAsync(s_scope, new DatasetRequest(Agent, "demo", options.Seed, HeldOutShare), cancellationToken);
        state.DatasetId = dataset.Id;
    }

    private async Task TrainAsync(ReportStep report, CancellationToken cancellationToken)
    {
        state.TrainingRewards.Clear();
        var environment = options.Method == TrainingMethod.PolicyGradient ? _reviewer : null;
        var run = await TrainAsync(
            options.Method,
            new Dictionary<string, string> { ["seed"] = options.Seed.ToString(CultureInfo.InvariantCulture) },
            environment,
            step =>
            {
                if (step.Metrics.TryGetValue("reward", out var reward))
                {
                    state.TrainingRewards.Add(reward);
                }

                report(
                    (double)step.Step / step.Steps,
                    string.Join(
                        "  ",
                        step.Metrics.Select(metric => string.Create(CultureInfo.InvariantCulture, $"{metric.Key} {metric.Value:0.000}"))
                    )
                );
            },
            cancellationToken
        );
        state.RunId = run.Id;
    }

    private async Task<TrainingRun> TrainAsync(
        TrainingMethod method,
        IReadOnlyDictionary<string, string> hyperparameters,
        IRolloutEnvironment? environment,
        Action<TrainingProgress> report,
        CancellationToken cancellationToken
    )
    {
        var serving = await workspace.Get<TriagePolicies>().ActiveAsync(Agent, cancellationToken);
        var run = await workspace
            .Get<TrainingRunner>()
            .RunAsync(
                s_scope,
                new TrainingRequest(
                    Agent,
                    state.DatasetId!,
                    method,
                    serving.Policy.Name,
                    labels,
                    hyperparameters,
                    Environment: environment
                ),
                new InlineProgress(report),
                cancellationToken
            );
        return run.Status == TrainingStatus.Succeeded ? run : throw LightningException.Conflict($"Training failed: {run.ErrorMessage}");
    }

    private async Task EvaluateAsync(ReportStep report, CancellationToken cancellationToken)
    {
        var (baseline, candidate) = await ContestantsAsync(state.RunId!, cancellationToken);
        state.Evaluation = await EvaluateAsync(state.RunId!, cancellationToken);
        state.Slices.Clear();
        state.Slices.AddRange(
            from item in _unseen
            where item.Slice is not null
            group item by item.Slice into slice
            orderby slice.Key
            select new SliceComparison(slice.Key, slice.Count(), MacroF1(baseline, slice), MacroF1(candidate, slice))
        );

        static double MacroF1(Contestant contestant, IEnumerable<LabelledItem> slice) =>
            ClassificationReport
                .Of([.. slice.Select(item => item.Label)], [.. slice.Select(item => contestant.Answer(item.Task.ToJson()))])
                .MacroF1;
    }

    private async Task<EvaluationRecord> EvaluateAsync(string runId, CancellationToken cancellationToken)
    {
        var run = (await workspace.Get<ITrainingRunStore>().FindAsync(runId, cancellationToken))!;
        var (baseline, candidate) = await ContestantsAsync(runId, cancellationToken);
        return await workspace.Get<Evaluator>().EvaluateAsync(s_scope, run, baseline, candidate, cancellationToken);
    }

    /// <summary>What serves now, and what the run made.</summary>
    private async Task<(Contestant Baseline, Contestant Candidate)> ContestantsAsync(string runId, CancellationToken cancellationToken)
    {
        var run = (await workspace.Get<ITrainingRunStore>().FindAsync(runId, cancellationToken))!;
        var policies = workspace.Get<TriagePolicies>();
        var serving = await policies.ActiveAsync(Agent, cancellationToken);
        return (
            ContestantOf(serving.Policy, serving.Deployment?.Id),
            ContestantOf(await policies.OfRunAsync(run, cancellationToken), null)
        );
    }

    private static Contestant ContestantOf(ITriagePolicy policy, string? deploymentId)
    {
        var scores = new float[policy.Categories.Count];
        return new Contestant(policy.Name, deploymentId, input => policy.Categories[policy.Score(FeedbackTask.FromJson(input), scores)]);
    }

    private async Task PromoteAsync(ReportStep report, CancellationToken cancellationToken)
    {
        if (state.Evaluation!.Verdict.Passed)
        {
            state.ReleaseId = await PromoteOnceAsync(state.RunId!, force: false, cancellationToken);
        }
    }

    private async Task<string> PromoteOnceAsync(string runId, bool force, CancellationToken cancellationToken)
    {
        var history = await workspace.Get<IDeploymentStore>().ListAsync(Agent, null, 100, cancellationToken);
        return history.FirstOrDefault(release => release.TrainingRunId == runId && release.RollbackFrom is null)?.Id
            ?? (await workspace.Get<Promote>().ExecuteAsync(s_scope, new PromoteRequest(Agent, runId, Force: force), cancellationToken)).Id;
    }

    private async Task ServeAsync(ReportStep report, CancellationToken cancellationToken)
    {
        if (state.ReleaseId is not null)
        {
            state.ServingRewards["after"] = await ServeAsync("serve", 0, untilRollback: false, report, cancellationToken);
        }
    }

    /// <summary>The mistake: somebody mixed up the sign of the reward, so what people punished is what it learns.</summary>
    private async Task ReleaseBadAsync(ReportStep report, CancellationToken cancellationToken)
    {
        if (state.ReleaseId is null)
        {
            return;
        }

        var hyperparameters = new Dictionary<string, string>
        {
            ["seed"] = options.Seed.ToString(CultureInfo.InvariantCulture),
            ["reward_scale"] = "-1",
        };
        var run = await TrainAsync(
            TrainingMethod.PolicyGradient,
            hyperparameters,
            null,
            step => report((double)step.Step / step.Steps, ""),
            cancellationToken
        );
        state.BadRunId = run.Id;
        state.BadEvaluation = await EvaluateAsync(run.Id, cancellationToken);
        state.BadReleaseId = await PromoteOnceAsync(run.Id, force: true, cancellationToken);
    }

    private async Task ServeBadAsync(ReportStep report, CancellationToken cancellationToken)
    {
        if (state.BadReleaseId is null)
        {
            return;
        }

        state.ServingRewards["bad release"] = await ServeAsync("guard", ServedItems, untilRollback: true, report, cancellationToken);
        var active = await workspace.Get<IDeploymentStore>().FindActiveAsync(Agent, Deployment.DefaultSlot, cancellationToken);
        state.RollbackReason = active?.RollbackFrom == state.BadReleaseId ? active!.RollbackReason : null;
        if (state.RollbackReason is not null)
        {
            state.ServingRewards["rolled back"] = await ServeAsync(
                "restored",
                2 * ServedItems,
                untilRollback: false,
                report,
                cancellationToken
            );
        }
    }

    /// <summary>Lets the agent answer traffic, each answer rewarded at once, as a person would; returns the mean reward.</summary>
    private async Task<double> ServeAsync(string name, int from, bool untilRollback, ReportStep report, CancellationToken cancellationToken)
    {
        var (agent, rewards, deployments) = (
            workspace.Get<TriageFeedback>(),
            workspace.Get<AssignReward>(),
            workspace.Get<IDeploymentStore>()
        );
        var count = Math.Min(ServedItems, _unseen.Count);
        var (total, answered) = (0.0, 0);
        for (; answered < count; answered++)
        {
            var task = _unseen[(from + answered) % _unseen.Count].Task;
            var answer = await agent.ExecuteAsync(
                s_scope,
                task,
                new TriageCall(Agent, $"demo-{name}-{answered:000000}"),
                new Random(0),
                cancellationToken
            );
            if (untilRollback && answer.Episode.DeploymentId != state.BadReleaseId)
            {
                break;
            }

            var reward = _reviewer.Judge(answer.Episode, task, answer.Analysis, $"demo-{name}-reward-{answered:000000}");
            await rewards.AssignAsync(
                Scope.Owner("demo"),
                new RewardRequest(
                    reward.EpisodeId,
                    reward.Value,
                    reward.Source,
                    reward.Correction,
                    Evaluator: reward.Evaluator,
                    RewardId: reward.Id
                ),
                cancellationToken
            );
            total += reward.Value;
            report(
                (double)answered / count,
                string.Create(CultureInfo.InvariantCulture, $"{answered + 1} answers, mean reward {total / (answered + 1):+0.00;-0.00}")
            );
        }

        return answered == 0 ? 0 : total / answered;
    }

    private string NoRollback() => state.ReleaseId is null ? "nothing was promoted" : "the bad release was not noticed";

    private int HashCodeOf(int item) => unchecked((int)((options.Seed * 1_000_003) + item));

    /// <summary>Reports on the thread that makes progress; the framework's own type would report later and out of order.</summary>
    private sealed class InlineProgress(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
