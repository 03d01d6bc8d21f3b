using System.Globalization;

namespace AgentLightning.Triage;

/// <summary>Makes the whole analysis of a chosen category: severity by rule, then priority and the action that follows.</summary>
public static class AnalysisWriter
{
    private const int ExcerptLength = 90;

    public static FeedbackAnalysis Write(FeedbackTask task, string category, double confidence, string reasoning)
    {
        var severity = SeverityOf(task, category);
        return new FeedbackAnalysis(
            category,
            severity,
            ActionOf(task, category),
            PriorityOf(severity),
            Math.Clamp(confidence, 0, 1),
            reasoning,
            NeedsHuman: task.Type == "commercial"
        );
    }

    internal static Severity SeverityOf(FeedbackTask task, string category)
    {
        if (category is FeedbackCategories.Positive or FeedbackCategories.Noise)
        {
            return Severity.Low;
        }

        var text = $" {task.Title} {task.Comment} ".ToLowerInvariant();
        var bugLike = category is FeedbackCategories.WebsiteBug or FeedbackCategories.FrameworkIssue;
        if (bugLike && RuleTriagePolicy.Found(text, KeywordLists.CriticalWords).Any())
        {
            return Severity.Critical;
        }

        if (RuleTriagePolicy.Found(text, KeywordLists.LowWords).Any() && !(bugLike && task.Rating <= 2))
        {
            return Severity.Low;
        }

        return bugLike && (task.Rating == 1 || RuleTriagePolicy.Found(text, KeywordLists.HighWords).Any())
            ? Severity.High
            : Severity.Medium;
    }

    /// <summary>The middle of the range that a severity allows: critical 9–10, high 7–8, medium 4–6, low 1–3.</summary>
    private static int PriorityOf(Severity severity) =>
        severity switch
        {
            Severity.Critical => 9,
            Severity.High => 7,
            Severity.Medium => 5,
            _ => 2,
        };

    private static string ActionOf(FeedbackTask task, string category)
    {
        var excerpt = Excerpt(string.IsNullOrWhiteSpace(task.Title) ? task.Comment : task.Title);
        var where = string.IsNullOrEmpty(task.Page) ? "" : $" on {Excerpt(task.Page)}";
        return category switch
        {
            FeedbackCategories.WebsiteBug => $"Reproduce the fault{where} and fix it: \"{excerpt}\"",
            FeedbackCategories.FrameworkIssue => $"Write a failing test for what was reported and fix it: \"{excerpt}\"",
            FeedbackCategories.ContentGap => $"Extend the documentation{where} so that it answers: \"{excerpt}\"",
            FeedbackCategories.FeatureRequest => $"Add to the backlog and ask for the use case: \"{excerpt}\"",
            FeedbackCategories.Positive => $"Thank the author and keep what works: \"{excerpt}\"",
            FeedbackCategories.Noise when task.Type == "commercial" => $"Hand to a person for an answer: \"{excerpt}\"",
            FeedbackCategories.Noise => $"Close without an answer: \"{excerpt}\"",
            _ => string.Create(CultureInfo.InvariantCulture, $"Route to '{category}': \"{excerpt}\""),
        };
    }

    private static string Excerpt(string text)
    {
        var line = string.Join(' ', text.Split((char[]?)null, 40, StringSplitOptions.RemoveEmptyEntries));
        if (line.Length <= ExcerptLength)
        {
            return line;
        }

        return line[..(char.IsHighSurrogate(line[ExcerptLength - 1]) ? ExcerptLength - 1 : ExcerptLength)] + "…";
    }
}
