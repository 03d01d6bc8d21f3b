namespace AgentLightning.Feedback;

/// <summary>What a person can do about an answer. The words are stored and sent; only ever add.</summary>
public static class FeedbackTypes
{
    private const string RatingPrefix = "rating_";

    /// <summary>Each word with the reward it is worth before the answer itself is looked at, 0…1.</summary>
    internal static IReadOnlyDictionary<string, decimal> Worth { get; } =
        new Dictionary<string, decimal>
        {
            ["thumbs_up"] = 1.0m,
            ["thumbs_down"] = 0.0m,
            ["rating_5"] = 1.0m,
            ["rating_4"] = 0.8m,
            ["rating_3"] = 0.5m,
            ["rating_2"] = 0.3m,
            ["rating_1"] = 0.0m,
            ["regenerate"] = 0.2m,
            ["copy"] = 1.0m,
            ["follow_up"] = 0.7m,
        };

    public static IReadOnlyList<string> All { get; } = [.. Worth.Keys];

    public static bool IsKnown(string word) => Worth.ContainsKey(word);

    /// <summary>The stars of <c>rating_1</c> to <c>rating_5</c>; null for what is no rating.</summary>
    public static int? StarsOf(string word) =>
        IsKnown(word) && word.StartsWith(RatingPrefix, StringComparison.Ordinal) ? word[^1] - '0' : null;
}
