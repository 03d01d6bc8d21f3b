using AgentLightning.Common;
using AgentLightning.Models.Environments;
using AgentLightning.Models.Environments.Graders;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Loops.Preferences;
using AgentLightning.Models.Loops.Reinforcement;
using AgentLightning.Models.Objectives.Sequences;
using AgentLightning.Training;

namespace AgentLightning.Engine.Learning;

/// <summary>Runs the loop of each method, and tells how far it is in one form.</summary>
internal static class LearningLoops
{
    /// <summary>Returns what the last step measured.</summary>
    public static async Task<IReadOnlyDictionary<string, double>> RunAsync(
        Learner learner,
        LearningData data,
        LearningSettings settings,
        TrainingMethod method,
        int steps,
        LearningRun run,
        TimeProvider clock,
        IProgress<TrainingProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        var policy = learner.Policy(data);
        IReadOnlyDictionary<string, double> last = new Dictionary<string, double>();
        switch (method)
        {
            case TrainingMethod.Sft:
            case TrainingMethod.RewardWeightedSft:
                var options = new FineTuningOptions
                {
                    Steps = steps,
                    BatchSize = settings.BatchSize,
                    TokensAtOnce = settings.TokensAtOnce,
                    LearningRate = settings.LearningRate,
                    SaveEvery = settings.SaveEvery,
                    Seed = settings.Seed,
                    Checkpointing = settings.LowMemory,
                };
                await FineTuningLoop
                    .TrainAsync(
                        policy.Model,
                        policy.Parameters,
                        policy.Compute,
                        data.Examples,
                        [],
                        options,
                        run.Loop,
                        resume: true,
                        clock,
                        line => Tell(line.Step, MetricsOf(line), null),
                        cancellationToken
                    )
                    .ConfigureAwait(false);
                break;
            case TrainingMethod.Dpo:
                var dpo = Comparison(new PreferenceOptions { Steps = steps, Loss = LossOf(settings) });
                await PreferenceLoop
                    .TrainAsync(policy, data.Pairs, [], dpo, run.Loop, resume: true, clock, TellEvent, cancellationToken)
                    .ConfigureAwait(false);
                break;
            case TrainingMethod.Kto:
                var kto = Comparison(new ProspectOptions { Steps = steps, Loss = WeightsOf(settings, data) });
                await ProspectLoop
                    .TrainAsync(policy, data.Answers, [], kto, run.Loop, resume: true, clock, TellEvent, cancellationToken)
                    .ConfigureAwait(false);
                break;
            case TrainingMethod.Grpo:
            case TrainingMethod.Ppo:
                await ReinforcementLoop
                    .TrainAsync(
                        policy,
                        data.Tasks,
                        [],
                        new QuestionEnvironment(new GraderReward(settings.Grader!.Grader)),
                        Reinforcement(settings, method, steps, data.Tasks.Count),
                        run.Loop,
                        resume: true,
                        clock,
                        TellEvent,
                        null,
                        cancellationToken
                    )
                    .ConfigureAwait(false);
                break;
            default:
                throw LightningException.Invalid($"The method {EnumText.Of(method)} is not one of language models.");
        }

        return last;

        T Comparison<T>(T chosen)
            where T : ComparisonOptions =>
            chosen with
            {
                BatchSize = settings.BatchSize,
                LearningRate = settings.LearningRate,
                SaveEvery = settings.SaveEvery,
                Seed = settings.Seed,
                TokensAtOnce = settings.TokensAtOnce,
                Checkpointing = settings.LowMemory,
            };

        void TellEvent(ReinforcementEvent line) =>
            Tell(line.Step, line.Metrics, line.Alarms is { Count: > 0 } alarms ? string.Join(' ', alarms) : null);

        void Tell(int step, IReadOnlyDictionary<string, double> metrics, string? message)
        {
            if (step > 0)
            {
                last = metrics;
            }

            progress?.Report(new TrainingProgress(step, steps, metrics, message));
        }
    }

    private static Dictionary<string, double> MetricsOf(FineTuningEvent line)
    {
        var metrics = new Dictionary<string, double>();
        foreach (
            var (name, value) in new (string, double?)[]
            {
                ("loss", line.Loss),
                ("learning_rate", line.LearningRate),
                ("grad_norm", line.GradientNorm),
                ("tokens", line.Tokens),
            }
        )
        {
            if (value is { } known)
            {
                metrics[name] = known;
            }
        }

        return metrics;
    }

    private static PreferenceLoss LossOf(LearningSettings settings) =>
        new(settings.Loss, settings.Beta, settings.Loss == PreferenceKind.Robust ? settings.Smoothing : 0);

    /// <summary>Of the rarer kind each counts more, so that both are equally heavy.</summary>
    private static ProspectLoss WeightsOf(LearningSettings settings, LearningData data)
    {
        var good = data.Answers.Count(answer => answer.IsGood);
        var bad = data.Answers.Count - good;
        return good == 0 || bad == 0
            ? new ProspectLoss(settings.Beta)
            : new ProspectLoss(settings.Beta, GoodWeight: Math.Max(1, (double)bad / good), BadWeight: Math.Max(1, (double)good / bad));
    }

    private static ReinforcementOptions Reinforcement(LearningSettings settings, TrainingMethod method, int steps, int tasks) =>
        new()
        {
            Steps = steps,
            MaxTokens = settings.AnswerTokens,
            Method = method == TrainingMethod.Grpo ? ReinforcementMethod.Grpo : ReinforcementMethod.Ppo,
            TasksPerStep = Math.Min(settings.BatchSize, tasks),
            Attempts = settings.Attempts,
            LearningRate = settings.LearningRate,
            Beta = settings.Beta,
            EntropyBonus = settings.EntropyBonus,
            ClipHigh = settings.ClipHigh,
            Temperature = settings.Temperature,
            MaxTurns = 1,
            EvaluateEvery = 0,
            SaveEvery = settings.SaveEvery,
            Seed = settings.Seed,
            TokensAtOnce = settings.TokensAtOnce,
            Checkpointing = settings.LowMemory,
        };
}
