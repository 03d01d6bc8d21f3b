using System.Globalization;
using System.Text.Json;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Engine.Learning;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Objectives;
using AgentLightning.Training;
using AgentLightning.Triage;

namespace AgentLightning.Engine;

/// <summary>
/// The training engine <c>local</c>: trains text classifiers and language models in this process. Hyper-parameters of classifiers:
/// <c>seed</c> (0), and when learning from rewards <c>rounds</c> of fresh answers (8), <c>objective</c> (<c>reward_likelihood</c>, or
/// <c>policy_gradient</c>) and <c>reward_scale</c>, −1…1 (1), which every reward is multiplied by. Those of language models:
/// <see cref="LanguageTrainer"/>.
/// </summary>
/// <param name="language">Null to train classifiers only.</param>
public sealed class LocalTrainingEngine(LanguageTrainer? language = null) : ITrainingEngine
{
    private static readonly string[] s_fromLabels = ["seed"];
    private static readonly string[] s_fromRewards = ["seed", "rounds", "objective", "reward_scale"];

    public string Name => "local";

    public async Task<TrainingCheck> CheckAsync(TrainingPlan plan, CancellationToken cancellationToken)
    {
        if (!IsClassifier(plan.Method))
        {
            return await Language(plan.Method).CheckAsync(plan, cancellationToken).ConfigureAwait(false);
        }

        var known = plan.Method == TrainingMethod.Supervised ? s_fromLabels : s_fromRewards;
        List<string> mistakes =
        [
            .. plan
                .Hyperparameters.Keys.Where(name => !known.Contains(name))
                .Order(StringComparer.Ordinal)
                .Select(name =>
                    $"There is no hyper-parameter '{name}' for {EnumText.Of(plan.Method)}.{NearNames.Hint(name, known)} There are: "
                    + $"{string.Join(", ", known)}."
                ),
        ];
        foreach (
            var check in new Action[]
            {
                () => Parameter(plan.Hyperparameters, "seed", 0),
                () => LoopOptions(plan.Hyperparameters),
                () => RewardScale(plan.Hyperparameters),
            }
        )
        {
            try
            {
                check();
            }
            catch (LightningException e)
            {
                mistakes.Add(e.Message);
            }
        }

        return new TrainingCheck(mistakes);
    }

    public Task<TunedModel> TrainAsync(TrainingJob job, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        var labelled = IsClassifier(job.Run.Method) && job.Labels.Count == 0 ? job with { Labels = LabelsOf(job.Examples) } : job;
        return Task.Run(
            () =>
                job.Run.Method switch
                {
                    TrainingMethod.Supervised => TrainFromLabels(labelled, progress, cancellationToken),
                    TrainingMethod.PolicyGradient => TrainFromRewardsAsync(labelled, progress, cancellationToken),
                    var method => Language(method).TrainAsync(job, progress, cancellationToken),
                },
            cancellationToken
        );
    }

    private static bool IsClassifier(TrainingMethod method) => method is TrainingMethod.Supervised or TrainingMethod.PolicyGradient;

    private LanguageTrainer Language(TrainingMethod method) =>
        language
        ?? throw LightningException.Conflict($"The method {EnumText.Of(method)} trains language models, which is not set up here.");

    /// <summary>Every answer of a data set that was right or was given, in order.</summary>
    private static string[] LabelsOf(IReadOnlyList<DatasetExample> examples) =>
        [
            .. examples
                .SelectMany(example => example.Answers.Select(answer => answer.Action).Append(example.Expected))
                .OfType<string>()
                .Distinct()
                .Order(StringComparer.Ordinal),
        ];

    /// <summary>An input as the triage form sends it, or any other text.</summary>
    private static FeedbackTask TaskOf(DatasetExample example)
    {
        try
        {
            return FeedbackTask.FromJson(example.Input) is { Comment: not null } task ? task : new FeedbackTask(example.Input);
        }
        catch (JsonException)
        {
            return new FeedbackTask(example.Input);
        }
    }

    private static Task<TunedModel> TrainFromLabels(
        TrainingJob job,
        IProgress<TrainingProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        var seed = Parameter(job.Run.Hyperparameters, "seed", 0);
        var examples = job.Examples.Where(example => example.Expected is not null).ToList();
        if (examples.Select(example => example.Expected).Distinct().Count() < 2)
        {
            throw LightningException.Conflict(
                $"Learning from labels needs examples of at least two labels, but the training part has {examples.Count} labelled "
                    + $"examples of {examples.Select(example => example.Expected).Distinct().Count()}."
            );
        }

        var trained = PolicyTrainer.FromLabels(
            [.. examples.Select(example => TaskOf(example))],
            [.. examples.Select(example => example.Expected!)],
            job.Labels,
            seed,
            Report(progress),
            cancellationToken
        );
        return Task.FromResult(Model(job, trained, examples.Count));
    }

    private static async Task<TunedModel> TrainFromRewardsAsync(
        TrainingJob job,
        IProgress<TrainingProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        var tasks = job.Examples.Select(TaskOf).ToList();
        var scale = RewardScale(job.Run.Hyperparameters);
        var indexOf = job.Labels.Select((label, i) => (label, i)).ToDictionary(pair => pair.label, pair => pair.i, StringComparer.Ordinal);
        var logged = job
            .Examples.SelectMany(
                (example, text) =>
                    example
                        .Answers.Where(answer => indexOf.ContainsKey(answer.Action))
                        .Select(answer => new Sample(
                            text,
                            indexOf[answer.Action],
                            scale * (float)answer.Reward,
                            (float)answer.LogProbability
                        ))
            )
            .ToList();
        JudgeAnswers? judge = job.Environment is null ? null : JudgeAsync;
        var (trained, learned) = await PolicyTrainer
            .FromRewardsAsync(
                tasks,
                logged,
                judge,
                job.Labels,
                LoopOptions(job.Run.Hyperparameters),
                Parameter(job.Run.Hyperparameters, "seed", 0),
                Report(progress),
                cancellationToken
            )
            .ConfigureAwait(false);
        return Model(job, trained, learned);

        async Task<IReadOnlyList<float>> JudgeAsync(int round, IReadOnlyList<Sample> answers, CancellationToken token)
        {
            var rollouts = answers
                .Select(answer => new RolloutAnswer(
                    job.Examples[answer.Text].Key,
                    job.Examples[answer.Text].Input,
                    job.Labels[answer.Action],
                    answer.LogProbability
                ))
                .ToList();
            var rewards = await job.Environment!.TryAsync(job.Run.Id, round, rollouts, token).ConfigureAwait(false);
            return [.. rewards.Select(reward => scale * (float)reward)];
        }
    }

    private static TunedModel Model(TrainingJob job, TrainedClassifier trained, int samples)
    {
        var metrics = new Dictionary<string, double>(trained.Metrics) { ["samples"] = samples, ["examples"] = job.Examples.Count };
        // The name tells data and run apart at a glance; the content is told apart by its hash.
        return new TunedModel(
            $"{job.Run.AgentId}-{job.Run.Id[^6..]}",
            stream => TextClassifierCheckpoint.WriteAsync(trained.Model, stream),
            metrics
        );
    }

    private static Action<LoopProgress>? Report(IProgress<TrainingProgress>? progress) =>
        progress is null ? null : step => progress.Report(new TrainingProgress(step.Step, step.Steps, PolicyTrainer.MetricsOf(step)));

    private static RewardLoopOptions LoopOptions(IReadOnlyDictionary<string, string> given)
    {
        var options = new RewardLoopOptions();
        var rounds = Parameter(given, "rounds", options.Rounds);
        return options with
        {
            Rounds = rounds is >= 1 and <= 100
                ? (int)rounds
                : throw LightningException.Invalid($"The hyper-parameter 'rounds' must be from 1 to 100, but it is {rounds}."),
            Objective = given.GetValueOrDefault("objective", "reward_likelihood") switch
            {
                "reward_likelihood" => new RewardLikelihood(),
                "policy_gradient" => new PolicyGradient(),
                var other => throw LightningException.Invalid(
                    $"The hyper-parameter 'objective' must be reward_likelihood or policy_gradient, but it is '{other}'."
                ),
            },
        };
    }

    private static float RewardScale(IReadOnlyDictionary<string, string> given) =>
        !given.TryGetValue("reward_scale", out var text) ? 1
        : float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var scale) && scale is >= -1 and <= 1 ? scale
        : throw LightningException.Invalid($"The hyper-parameter 'reward_scale' must be a number from -1 to 1, but it is '{text}'.");

    private static long Parameter(IReadOnlyDictionary<string, string> given, string name, long otherwise) =>
        !given.TryGetValue(name, out var text) ? otherwise
        : long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var value) ? value
        : throw LightningException.Invalid($"The hyper-parameter '{name}' must be a whole number, but it is '{text}'.");
}
