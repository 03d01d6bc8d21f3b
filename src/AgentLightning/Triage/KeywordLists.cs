namespace AgentLightning.Triage;

/// <summary>The words that the rule policy goes by: a person's first guess at what each kind of feedback says.</summary>
internal static class KeywordLists
{
    public static IReadOnlyDictionary<string, string[]> ByCategory { get; } = new Dictionary<string, string[]>
    {
        [FeedbackCategories.WebsiteBug] =
        [
            "404", "500", "502", "503", "link", "page", "website", "site", "login", "log in", "sign in", "button", "menu", "search", "browser", "chrome", "firefox",
            "safari", "mobile", "phone", "download", "playground", "dashboard", "load", "loading", "layout", "css", "cookie", "dark mode", "scroll", "captcha", "broken link",
        ],
        [FeedbackCategories.FrameworkIssue] =
        [
            "crash", "crashes", "exception", "stack trace", "traceback", "memory", "leak", "sdk", "cli", "server", "boundaryenforcer", "crossreferencevalidator",
            "metacognitiveverifier", "contextpressuremonitor", "instructionpersistenceclassifier", "enforcer", "validator", "verifier", "deadlock", "race", "null", "regression",
            "rule", "version", "upgrade", "timeout", "segfault", "error", "fails", "wrong",
        ],
        [FeedbackCategories.ContentGap] =
        [
            "docs", "documentation", "example", "tutorial", "explain", "explained", "unclear", "confusing", "how do i", "how to", "what does", "where is", "missing",
            "outdated", "guide", "mention", "understand", "undocumented", "readme", "instructions",
        ],
        [FeedbackCategories.FeatureRequest] =
        [
            "please add", "add", "support", "would be", "could you", "can you", "feature", "wish", "option", "allow", "integrate", "integration", "export", "would love", "request",
            "ability", "plugin", "suggest", "instead of", "nice to have", "want",
        ],
        [FeedbackCategories.Positive] =
        [
            "thank", "thanks", "thx", "great", "love", "awesome", "excellent", "amazing", "well done", "nice", "good job", "perfect", "helpful", "brilliant", "fantastic", "works",
            "merci", "danke", "gracias", "obrigado", "grazie", "kudos",
        ],
        [FeedbackCategories.Noise] =
        [
            "test", "asdf", "seo", "buy", "cheap", "casino", "crypto", "bitcoin", "followers", "backlinks", "hire", "resume", "offer", "discount", "click here", "loan", "lorem",
            "weather", "job", "whatsapp", "invest", "free",
        ],
    };

    /// <summary>What the choice in the form says about the category, as strong as some words.</summary>
    public static IReadOnlyDictionary<string, string[]> ByType { get; } = new Dictionary<string, string[]>
    {
        ["bug"] = [FeedbackCategories.WebsiteBug, FeedbackCategories.FrameworkIssue],
        ["technical_question"] = [FeedbackCategories.ContentGap, FeedbackCategories.FrameworkIssue],
        ["feature"] = [FeedbackCategories.FeatureRequest],
        ["research"] = [FeedbackCategories.Positive, FeedbackCategories.FeatureRequest],
        ["commercial"] = [FeedbackCategories.Noise],
    };

    public static string[] CriticalWords { get; } =
        ["data loss", "lost data", "security", "vulnerability", "leaked", "production", "outage", "nobody can", "everyone", "corrupt", "without approval", "bypass", "deleted", "password"];

    public static string[] HighWords { get; } =
        ["crash", "cannot", "can't", "blocked", "unusable", "broken", "fails", "exception", "500", "503", "404", "never", "impossible", "urgent", "stuck", "regression"];

    public static string[] LowWords { get; } = ["typo", "cosmetic", "minor", "small", "tiny", "nit", "slightly", "align", "colour", "color", "icon", "would be nice"];
}
