using AgentLightning.Models.Architectures;
using AgentLightning.Triage;

namespace AgentLightning.Engine;

/// <summary>A triage policy that was learned: a text classifier.</summary>
public sealed class TrainedTriagePolicy(string name, TextClassifier model) : ITriagePolicy
{
    private const int ExplainedWords = 3;

    public string Name { get; } = name;

    public IReadOnlyList<string> Categories => model.Labels;

    public int Score(FeedbackTask task, Span<float> logProbabilities) => model.Predict(FeedbackText.Of(task), logProbabilities);

    public string Explain(FeedbackTask task, int category)
    {
        var words = model.Explain(FeedbackText.Of(task), category, ExplainedWords).Select(word => $"'{word.Word}'").ToList();
        return words.Count == 0
            ? $"the text as a whole is most like '{Categories[category]}'"
            : $"most like '{Categories[category]}'; what counted most: {string.Join(", ", words)}";
    }
}
