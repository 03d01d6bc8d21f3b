namespace AgentLightning.Triage;

/// <summary>How bad it is. Stored as these words.</summary>
public enum Severity
{
    Low,
    Medium,
    High,
    Critical,
}

/// <summary>The six categories of feedback.</summary>
public static class FeedbackCategories
{
    public const string WebsiteBug = "website-bug";
    public const string FrameworkIssue = "framework-issue";
    public const string ContentGap = "content-gap";
    public const string FeatureRequest = "feature-request";
    public const string Positive = "positive";
    public const string Noise = "noise";

    public static IReadOnlyList<string> All { get; } = [WebsiteBug, FrameworkIssue, ContentGap, FeatureRequest, Positive, Noise];
}

/// <summary>What the triage agent makes of a piece of feedback.</summary>
/// <param name="Category">One of the policy's categories; by default those of <see cref="FeedbackCategories"/>.</param>
/// <param name="Action">What to do next, concretely.</param>
/// <param name="Priority">1 (can wait) … 10 (now).</param>
/// <param name="Confidence">Probability of the category, 0…1.</param>
/// <param name="NeedsHuman">True when nobody but a person may answer.</param>
public sealed record FeedbackAnalysis(
    string Category,
    Severity Severity,
    string Action,
    int Priority,
    double Confidence,
    string Reasoning,
    bool NeedsHuman
);
