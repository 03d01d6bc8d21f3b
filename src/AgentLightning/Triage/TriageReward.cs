namespace AgentLightning.Triage;

/// <summary>What a person found when checking an analysis.</summary>
/// <param name="OutcomeImproved">Whether acting on it helped.</param>
public sealed record TriageValidation(string Category, Severity Severity, bool OutcomeImproved);

/// <summary>How good an analysis is, 0…1. A pure function: the same analysis always gets the same reward.</summary>
public static class TriageReward
{
    private static readonly string[] s_vagueActions = ["look into it", "consider", "investigate further"];

    /// <summary>
    /// Quality that shows without a person: 0.20 a known category + 0.20 it fits the form's type + 0.15 severity fits rating and category +
    /// 0.25 a concrete action (10–300 characters, not vague, with something of the comment or page in it) + 0.10 priority fits severity +
    /// 0.10 a reason.
    /// </summary>
    public static double Quality(FeedbackTask task, FeedbackAnalysis analysis) =>
        (FeedbackCategories.All.Contains(analysis.Category) ? 0.20 : 0)
        + (TypeAllows(task.Type, analysis.Category) ? 0.20 : 0)
        + (SeverityFits(task, analysis) ? 0.15 : 0)
        + (IsConcrete(task, analysis.Action) ? 0.25 : 0)
        + (PriorityFits(analysis) ? 0.10 : 0)
        + (string.IsNullOrWhiteSpace(analysis.Reasoning) ? 0 : 0.10);

    /// <summary>
    /// With a person's check: 0.3·quality + 0.4·category right + 0.2·severity (1 exact, ½ a neighbour) + 0.1·outcome improved.
    /// </summary>
    public static double Validated(FeedbackTask task, FeedbackAnalysis analysis, TriageValidation validation) =>
        (0.3 * Quality(task, analysis))
        + (analysis.Category == validation.Category ? 0.4 : 0)
        + (0.2 * Math.Max(0, 1 - (0.5 * Math.Abs(analysis.Severity - validation.Severity))))
        + (validation.OutcomeImproved ? 0.1 : 0);

    private static bool TypeAllows(string? type, string category) =>
        type is null || !KeywordLists.ByType.TryGetValue(type, out var allowed) || allowed.Contains(category);

    private static bool SeverityFits(FeedbackTask task, FeedbackAnalysis analysis) =>
        analysis.Category switch
        {
            FeedbackCategories.Positive or FeedbackCategories.Noise => analysis.Severity == Severity.Low,
            FeedbackCategories.WebsiteBug or FeedbackCategories.FrameworkIssue => task.Rating is not <= 2
                || analysis.Severity != Severity.Low,
            _ => true,
        };

    private static bool PriorityFits(FeedbackAnalysis analysis) =>
        analysis.Severity switch
        {
            Severity.Critical => analysis.Priority is 9 or 10,
            Severity.High => analysis.Priority is 7 or 8,
            Severity.Medium => analysis.Priority is >= 4 and <= 6,
            _ => analysis.Priority is >= 1 and <= 3,
        };

    private static bool IsConcrete(FeedbackTask task, string action)
    {
        if (action.Length is < 10 or > 300 || s_vagueActions.Any(vague => action.Contains(vague, StringComparison.OrdinalIgnoreCase)))
        {
            return false;
        }

        return $"{task.Title} {task.Comment} {task.Page}"
            .Split((char[]?)null, 40, StringSplitOptions.RemoveEmptyEntries)
            .Any(word => word.Length > 1 && action.Contains(word, StringComparison.OrdinalIgnoreCase));
    }
}
