namespace AgentLightning.Triage;

/// <summary>Feedback with the analysis that a person would give it.</summary>
public sealed record TriageExample(FeedbackTask Task, string Category, Severity Severity);

/// <summary>A few pieces of feedback to try a triage agent on before there are any of one's own.</summary>
public static class TriageExamples
{
    /// <summary>Two of each category, to learn from.</summary>
    public static IReadOnlyList<TriageExample> Training { get; } =
    [
        Of("1", "bug", 1, "/docs", "The Docs link in the top menu returns 404.", FeedbackCategories.WebsiteBug, Severity.High),
        Of("2", "bug", 2, "/", "Home page takes 12 seconds to load on mobile.", FeedbackCategories.WebsiteBug, Severity.Medium),
        Of(
            "3",
            "bug",
            1,
            "/framework",
            "BoundaryEnforcer let a privacy decision through without approval.",
            FeedbackCategories.FrameworkIssue,
            Severity.Critical
        ),
        Of(
            "4",
            "technical_question",
            3,
            null,
            "CrossReferenceValidator does not flag the port conflict in the example.",
            FeedbackCategories.FrameworkIssue,
            Severity.High
        ),
        Of(
            "5",
            "technical_question",
            3,
            "/docs/install",
            "No example of installing the framework on Windows.",
            FeedbackCategories.ContentGap,
            Severity.Medium
        ),
        Of(
            "6",
            "technical_question",
            2,
            null,
            "I don't understand what persistence HIGH means.",
            FeedbackCategories.ContentGap,
            Severity.Low
        ),
        Of("7", "feature", 4, null, "Please add CSV export to the audit dashboard.", FeedbackCategories.FeatureRequest, Severity.Medium),
        Of("8", "feature", 4, null, "Support for Python agents would help us.", FeedbackCategories.FeatureRequest, Severity.Medium),
        Of("9", "general", 5, null, "Clear explanation of the 27027 incident, thank you.", FeedbackCategories.Positive, Severity.Low),
        Of("10", "research", 5, null, "Great work; we cite it in our paper.", FeedbackCategories.Positive, Severity.Low),
        Of("11", "general", 1, null, "asdf test test", FeedbackCategories.Noise, Severity.Low),
        Of("12", "commercial", 3, null, "Buy SEO backlinks cheap", FeedbackCategories.Noise, Severity.Low),
    ];

    /// <summary>One of each category that is not among <see cref="Training"/>, to judge by.</summary>
    public static IReadOnlyList<TriageExample> Unseen { get; } =
    [
        Of("u1", "bug", 2, "/login", "The login button does nothing in Firefox.", FeedbackCategories.WebsiteBug, Severity.Medium),
        Of(
            "u2",
            "bug",
            1,
            null,
            "The validator crashes with a null exception after the upgrade.",
            FeedbackCategories.FrameworkIssue,
            Severity.High
        ),
        Of(
            "u3",
            "technical_question",
            3,
            "/docs/rules",
            "The guide does not explain how to write a rule, and there is no tutorial.",
            FeedbackCategories.ContentGap,
            Severity.Medium
        ),
        Of(
            "u4",
            "feature",
            4,
            null,
            "It would be nice to have an option to export the audit log as a plugin.",
            FeedbackCategories.FeatureRequest,
            Severity.Medium
        ),
        Of("u5", "general", 5, null, "Thanks, this is awesome and very helpful!", FeedbackCategories.Positive, Severity.Low),
        Of("u6", "commercial", 3, null, "Cheap crypto offer, click here for free bitcoin.", FeedbackCategories.Noise, Severity.Low),
    ];

    private static TriageExample Of(string id, string type, int rating, string? page, string comment, string category, Severity severity) =>
        new(new FeedbackTask(comment, null, type, rating, page, id), category, severity);
}
