using AgentLightning.Cli.Tests.Support;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Checkpoints;
using AgentLightning.Testing;
using AgentLightning.Triage;

namespace AgentLightning.Cli.Tests;

/// <summary>
/// Learning from rewards only, on real texts. A small part of what the benchmark <c>learn-classifier</c> measures, so the bound leaves room
/// for the few held-out texts.
/// </summary>
public sealed class ClassifierRewardsTests
{
    private const int Intents = 6,
        Rounds = 8;
    private static readonly int[] s_seeds = [1, 2, 3];

    [Fact]
    public async Task A_classifier_told_only_how_good_its_answers_were_comes_within_3_percent_of_one_told_the_right_labels()
    {
        var items = Questions();
        var ratios = new List<double>();
        foreach (var seed in s_seeds)
        {
            var split = new LearningSplit(items, heldOutShare: 0.3, seed);
            var hidden = split.Hide();

            var rewarded = split.Accuracy(await split.FromRewardsAsync(hidden.JudgeAsync, Rounds, seed));

            Assert.Equal(Rounds * split.Tasks.Count, hidden.Told.Count);
            ratios.Add(rewarded / split.Accuracy(split.FromLabels(seed)));
        }

        Assert.True(
            ratios.Average() >= 0.97,
            FormattableString.Invariant($"accuracy from rewards / from labels {string.Join(" ", ratios)}, expected a mean of at least 0.97")
        );
    }

    [Fact]
    public async Task Whoever_repeats_the_numbers_without_knowing_a_label_teaches_the_same_classifier_to_the_last_bit()
    {
        var split = new LearningSplit(Questions(), heldOutShare: 0.8, seed: 1);
        var hidden = split.Hide();
        var taught = await split.FromRewardsAsync(hidden.JudgeAsync, rounds: 3, seed: 1);
        var numbers = new Queue<float>(hidden.Told);

        var repeated = await split.FromRewardsAsync(
            (_, answers, _) => Task.FromResult<IReadOnlyList<float>>([.. answers.Select(_ => numbers.Dequeue())]),
            rounds: 3,
            seed: 1
        );

        Assert.Empty(numbers);
        Assert.Equal(await BytesOf(taught), await BytesOf(repeated));
    }

    private static List<(FeedbackTask Task, string Label)> Questions()
    {
        var rows = CsvFile.Read(SharedData.Require("banking77/train.csv"));
        var intents = rows.Select(row => row[1]).Distinct().Order(StringComparer.Ordinal).Take(Intents).ToHashSet();
        return [.. rows.Where(row => intents.Contains(row[1])).Select(row => (new FeedbackTask(row[0]), row[1]))];
    }

    private static async Task<byte[]> BytesOf(TextClassifier model)
    {
        using var stream = new MemoryStream();
        await TextClassifierCheckpoint.WriteAsync(model, stream);
        return stream.ToArray();
    }
}
