using System.Diagnostics;
using System.Globalization;
using AgentLightning.Engine;
using AgentLightning.Evaluation;
using AgentLightning.Models.Loops;
using AgentLightning.Models.Tensors;
using AgentLightning.Testing;
using AgentLightning.Triage;

namespace AgentLightning.Benchmarks;

/// <summary>
/// How well the classifier of the triage agent learns: from rewards only against from labels, on the same held-out fifth, with the number
/// of rewards it took; and from labels by cross-validation. Each with three seeds, of splits and of training.
/// </summary>
internal static class ClassifierLearningBenchmark
{
    private const string Name = "learn-classifier";
    private const double HeldOutShare = 0.2,
        LeastRatio = 0.97;
    private const int Folds = 5;
    private static readonly long[] s_seeds = [1, 2, 3];

    /// <summary>
    /// Rewards for each text at which learning is looked at; below one, only that share of the texts is answered. The default number of
    /// rounds comes last.
    /// </summary>
    private static readonly double[] s_rewardsPerText = [0.125, 0.25, 0.5, 0.75, 1, 2, 3, 4, 5, 6];

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var figures = new List<Figure>();
        if (LabelledData.Banking77(intents: 20) is { } questions)
        {
            figures.AddRange(await FromRewardsAsync("BANKING77, 20 intents", questions));
        }

        if (LabelledData.Nlbse24() is { } issues)
        {
            figures.AddRange(await FromRewardsAsync("NLBSE'24", issues));
            figures.AddRange(CrossValidate("NLBSE'24", issues));
        }

        return figures;
    }

    private static async Task<IReadOnlyList<Figure>> FromRewardsAsync(string data, IReadOnlyList<(FeedbackTask Task, string Label)> items)
    {
        var usual = new RewardLoopOptions().Rounds;
        double[] labelled = new double[s_seeds.Length],
            rewarded = new double[s_seeds.Length],
            needed = new double[s_seeds.Length],
            seconds = new double[s_seeds.Length];
        var texts = 0;
        for (var i = 0; i < s_seeds.Length; i++)
        {
            var split = new LearningSplit(items, HeldOutShare, s_seeds[i]);
            texts = split.Tasks.Count;
            labelled[i] = split.Accuracy(split.FromLabels(s_seeds[i]));
            needed[i] = double.PositiveInfinity;
            foreach (var perText in s_rewardsPerText.Append(usual).Where(perText => perText == usual || double.IsInfinity(needed[i])))
            {
                var part = split.WithTexts(Math.Min(perText, 1));
                var hidden = part.Hide();
                var clock = Stopwatch.StartNew();
                var accuracy = split.Accuracy(await part.FromRewardsAsync(hidden.JudgeAsync, (int)Math.Ceiling(perText), s_seeds[i]));
                if (perText == usual)
                {
                    (rewarded[i], seconds[i]) = (accuracy, clock.Elapsed.TotalSeconds);
                }

                if (accuracy >= LeastRatio * labelled[i] && double.IsInfinity(needed[i]))
                {
                    needed[i] = hidden.Told.Count;
                }
            }
        }

        double[] ratios = [.. rewarded.Zip(labelled, (reward, label) => reward / label)];
        return
        [
            Figure.AtLeast(
                Name,
                $"{data}, {texts} texts: accuracy from {usual} rewards a text {Each(rewarded)} against from labels {Each(labelled)}, "
                    + $"seeds {Each(ratios)}, in {Each(seconds, "0.0")} s, median",
                Median(ratios),
                "times",
                LeastRatio
            ),
            Figure.AtMost(
                Name,
                $"{data}: rewards to {LeastRatio.ToString(CultureInfo.InvariantCulture)} of the accuracy from labels, seeds "
                    + $"{Each(needed, "0")}, median",
                Median(needed),
                "rewards",
                usual * texts
            ),
        ];
    }

    private static IReadOnlyList<Figure> CrossValidate(string data, IReadOnlyList<(FeedbackTask Task, string Label)> items)
    {
        List<string> labels = [.. items.Select(item => item.Label).Distinct().Order(StringComparer.Ordinal)];
        double[] scores = new double[s_seeds.Length],
            seconds = new double[s_seeds.Length];
        for (var i = 0; i < s_seeds.Length; i++)
        {
            var order = items.ToArray();
            new SeededRandom(s_seeds[i]).Shuffle<(FeedbackTask, string)>(order);
            List<string> expected = [],
                given = [];
            for (var fold = 0; fold < Folds; fold++)
            {
                var policy = new TrainedTriagePolicy("fold", Train([.. order.Where((_, at) => at % Folds != fold)], s_seeds[i]).Model);
                var answers = new float[labels.Count];
                foreach (var (task, label) in order.Where((_, at) => at % Folds == fold))
                {
                    expected.Add(label);
                    given.Add(labels[policy.Score(task, answers)]);
                }
            }

            scores[i] = ClassificationReport.Of(expected, given).MacroF1;
            var clock = Stopwatch.StartNew();
            Train(items, s_seeds[i]);
            seconds[i] = clock.Elapsed.TotalSeconds;
        }

        return
        [
            Figure.AtLeast(
                Name,
                $"{data}: macro-F1 from labels, {Folds}-fold cross-validation, seeds {Each(scores)}, median",
                Median(scores),
                "macro-F1",
                0.78
            ),
            Figure.AtMost(
                Name,
                $"{data}: training from {items.Count} labels, seeds {Each(seconds, "0.0")}, median",
                Median(seconds),
                "s",
                60
            ),
        ];

        TrainedClassifier Train(IReadOnlyList<(FeedbackTask Task, string Label)> part, long seed) =>
            PolicyTrainer.FromLabels(
                [.. part.Select(item => item.Task)],
                [.. part.Select(item => item.Label)],
                labels,
                seed,
                null,
                CancellationToken.None
            );
    }

    private static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);

    private static string Each(double[] values, string format = "0.000") =>
        string.Join(" ", values.Select(value => value.ToString(format, CultureInfo.InvariantCulture)));
}
