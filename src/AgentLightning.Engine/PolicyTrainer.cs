using AgentLightning.Models.Architectures;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Objectives;
using AgentLightning.Models.Tokenizers;
using AgentLightning.Triage;

namespace AgentLightning.Engine;

/// <summary>A trained classifier and what its last step measured.</summary>
public sealed record TrainedClassifier(TextClassifier Model, IReadOnlyDictionary<string, double> Metrics);

/// <summary>Trains a classifier on feedback, with the settings that suit its number of labels.</summary>
public static class PolicyTrainer
{
    /// <summary>Learns from right labels.</summary>
    public static TrainedClassifier FromLabels(
        IReadOnlyList<FeedbackTask> tasks,
        IReadOnlyList<string> rightLabels,
        IReadOnlyList<string> labels,
        long seed,
        Action<LoopProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        var (model, texts) = Prepare(tasks, labels, seed);
        int[] targets =
        [
            .. rightLabels.Select(label =>
                model.TryIndexOf(label, out var index)
                    ? index
                    : throw new ArgumentException($"'{label}' is not one of the labels.", nameof(rightLabels))
            ),
        ];
        LoopProgress? last = null;
        var options = new ClassifierTrainingOptions { Epochs = ClassifierTrainingOptions.EpochsFor(tasks.Count) };
        SupervisedLoop.Train(model, texts, targets, options, seed, step => Keep(ref last, step, progress), cancellationToken);
        return new TrainedClassifier(model, MetricsOf(last!));
    }

    /// <summary>Learns from how good answers were. Also returns how many answers it learned from.</summary>
    public static async Task<(TrainedClassifier Trained, int Answers)> FromRewardsAsync(
        IReadOnlyList<FeedbackTask> tasks,
        IReadOnlyList<Sample> logged,
        JudgeAnswers? judge,
        IReadOnlyList<string> labels,
        RewardLoopOptions options,
        long seed,
        Action<LoopProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        var (model, texts) = Prepare(tasks, labels, seed);
        LoopProgress? last = null;
        var answers = await RewardLoop
            .TrainAsync(model, texts, logged, judge, options, seed, step => Keep(ref last, step, progress), cancellationToken)
            .ConfigureAwait(false);
        return (new TrainedClassifier(model, MetricsOf(last!)), answers.Count);
    }

    internal static Dictionary<string, double> MetricsOf(LoopProgress step)
    {
        var metrics = new Dictionary<string, double> { ["loss"] = step.Loss };
        if (step.Reward is { } reward)
        {
            metrics["reward"] = reward;
        }

        return metrics;
    }

    private static (TextClassifier Model, EncodedTexts Texts) Prepare(
        IReadOnlyList<FeedbackTask> tasks,
        IReadOnlyList<string> labels,
        long seed
    )
    {
        var texts = tasks.Select(FeedbackText.Of).ToList();
        // Few labels need few dimensions; many intents need room to lie apart.
        var width = labels.Count > 32 ? 64 : 16;
        var model = TextClassifier.Create(new NGramOptions(), labels, texts, width, seed);
        return (model, new EncodedTexts(model, texts));
    }

    private static void Keep(ref LoopProgress? last, LoopProgress step, Action<LoopProgress>? progress)
    {
        last = step;
        progress?.Invoke(step);
    }
}
