namespace AgentLightning.Triage;

/// <summary>The policy before anything was learned: key words and the choice in the form, counted and turned into probabilities.</summary>
public sealed class RuleTriagePolicy : ITriagePolicy
{
    /// <summary>Its name, which also stands for the base model of a triage agent.</summary>
    public const string PolicyName = "triage-rules";

    private const float TypeWeight = 1.5f;

    public string Name => PolicyName;

    public IReadOnlyList<string> Categories => FeedbackCategories.All;

    public int Score(FeedbackTask task, Span<float> logProbabilities)
    {
        var text = TextOf(task);
        var best = 0;
        for (var i = 0; i < Categories.Count; i++)
        {
            logProbabilities[i] =
                Found(text, KeywordLists.ByCategory[Categories[i]]).Count() + (SpeaksFor(task.Type, Categories[i]) ? TypeWeight : 0);
            best = logProbabilities[i] > logProbabilities[best] ? i : best;
        }

        LogProbabilities.Normalise(logProbabilities);
        return best;
    }

    public string Explain(FeedbackTask task, int category)
    {
        var words = Found(TextOf(task), KeywordLists.ByCategory[Categories[category]]).Take(3).ToList();
        var type = SpeaksFor(task.Type, Categories[category]) ? $"the form says '{task.Type}'" : null;
        return (words.Count, type) switch
        {
            (0, null) => "no key word was found; this is the first guess",
            (0, _) => type,
            (_, null) => $"key words: {string.Join(", ", words)}",
            _ => $"key words: {string.Join(", ", words)}; {type}",
        };
    }

    private static bool SpeaksFor(string? type, string category) =>
        type is not null && KeywordLists.ByType.TryGetValue(type, out var categories) && categories.Contains(category);

    private static string TextOf(FeedbackTask task) => $" {task.Title} {task.Comment} ".ToLowerInvariant();

    internal static IEnumerable<string> Found(string text, IEnumerable<string> words) => words.Where(word => ContainsWord(text, word));

    private static bool ContainsWord(string text, string word)
    {
        for (var at = text.IndexOf(word, StringComparison.Ordinal); at >= 0; at = text.IndexOf(word, at + 1, StringComparison.Ordinal))
        {
            var end = at + word.Length;
            if ((at == 0 || !char.IsLetterOrDigit(text[at - 1])) && (end == text.Length || !char.IsLetterOrDigit(text[end])))
            {
                return true;
            }
        }

        return false;
    }
}
