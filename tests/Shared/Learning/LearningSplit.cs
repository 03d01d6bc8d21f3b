using AgentLightning.Datasets;
using AgentLightning.Engine;
using AgentLightning.Models.Architectures;
using AgentLightning.Models.Loops;
using AgentLightning.Triage;

namespace AgentLightning.Testing;

/// <summary>Labelled texts of which a part is held out: where learning from rewards only is compared with learning from labels.</summary>
public sealed class LearningSplit
{
    private readonly IReadOnlyList<(FeedbackTask Task, string Label)> _training,
        _heldOut;

    /// <param name="heldOutShare">Chosen by a hash of the text and the seed, so that a text that is there twice is on one side.</param>
    public LearningSplit(IReadOnlyList<(FeedbackTask Task, string Label)> items, double heldOutShare, long seed)
    {
        Labels = [.. items.Select(item => item.Label).Distinct().Order(StringComparer.Ordinal)];
        var sides = items.ToLookup(item => DatasetReader.SideOf(item.Task.Key, seed, heldOutShare));
        (_training, _heldOut) = ([.. sides[DatasetSide.Train]], [.. sides[DatasetSide.Validation]]);
    }

    private LearningSplit(
        IReadOnlyList<string> labels,
        IReadOnlyList<(FeedbackTask Task, string Label)> training,
        IReadOnlyList<(FeedbackTask Task, string Label)> heldOut
    ) => (Labels, _training, _heldOut) = (labels, training, heldOut);

    public IReadOnlyList<string> Labels { get; }

    /// <summary>The texts to learn from.</summary>
    public IReadOnlyList<FeedbackTask> Tasks => [.. _training.Select(item => item.Task)];

    /// <summary>The same with only a share of the texts to learn from, taken evenly from all of them.</summary>
    public LearningSplit WithTexts(double share) =>
        new(Labels, [.. _training.Where((_, i) => (int)((i + 1) * share) > (int)(i * share))], _heldOut);

    /// <summary>Only numbers come out of it.</summary>
    public HiddenLabels Hide() => new([.. _training.Select(item => IndexOf(item.Label))]);

    public TextClassifier FromLabels(long seed) =>
        PolicyTrainer.FromLabels(Tasks, [.. _training.Select(item => item.Label)], Labels, seed, null, CancellationToken.None).Model;

    /// <summary>
    /// Learns from nothing but what <paramref name="judge"/> says of each answer: one reward for each text in each round.
    /// </summary>
    public async Task<TextClassifier> FromRewardsAsync(JudgeAnswers judge, int rounds, long seed)
    {
        var (trained, _) = await PolicyTrainer.FromRewardsAsync(
            Tasks,
            [],
            judge,
            Labels,
            new RewardLoopOptions { Rounds = rounds },
            seed,
            null,
            CancellationToken.None
        );
        return trained.Model;
    }

    /// <summary>The share of held-out texts whose label a classifier gets right.</summary>
    public double Accuracy(TextClassifier model)
    {
        var policy = new TrainedTriagePolicy("learned", model);
        var scores = new float[Labels.Count];
        return _heldOut.Average(item => policy.Score(item.Task, scores) == IndexOf(item.Label) ? 1.0 : 0);
    }

    private int IndexOf(string label) => Labels.Index().First(pair => pair.Item == label).Index;
}
