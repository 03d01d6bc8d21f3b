using System.Text.Json;
using AgentLightning.Common;

namespace AgentLightning.Triage;

/// <summary>
/// What one can do with somebody else's labels before anything was learned: look for the labels' own words in the text; a title counts
/// double.
/// </summary>
public sealed class LabelNamePolicy : ITriagePolicy
{
    public const string PolicyName = "label-names";

    private readonly string[][] _words;

    /// <param name="categories">At least two different labels.</param>
    public LabelNamePolicy(IReadOnlyList<string> categories)
    {
        Categories = categories;
        _words =
        [
            .. categories.Select(label =>
                label.ToLowerInvariant().Split(['-', '_', ' ', '/', '.', '?'], StringSplitOptions.RemoveEmptyEntries)
            ),
        ];
    }

    public string Name => PolicyName;

    public IReadOnlyList<string> Categories { get; }

    public int Score(FeedbackTask task, Span<float> logProbabilities)
    {
        string title = (task.Title ?? "").ToLowerInvariant(),
            comment = task.Comment.ToLowerInvariant();
        var best = 0;
        for (var i = 0; i < Categories.Count; i++)
        {
            var found = (2 * RuleTriagePolicy.Found(title, _words[i]).Count()) + RuleTriagePolicy.Found(comment, _words[i]).Count();
            logProbabilities[i] = (float)found / Math.Max(1, _words[i].Length);
            best = logProbabilities[i] > logProbabilities[best] ? i : best;
        }

        LogProbabilities.Normalise(logProbabilities);
        return best;
    }

    public string Explain(FeedbackTask task, int category) => $"words of the label '{Categories[category]}' in the text";

    /// <summary>Writes the policy as JSON, from which <see cref="Read"/> makes it again.</summary>
    public Task WriteAsync(Stream stream) =>
        JsonSerializer.SerializeAsync(stream, new Content(PolicyName, Categories), LightningJson.Options);

    /// <summary>Reads what <see cref="WriteAsync"/> wrote; null when the content is something else.</summary>
    internal static LabelNamePolicy? Read(byte[] content)
    {
        if (content is not [(byte)'{', ..])
        {
            return null;
        }

        var read = JsonSerializer.Deserialize<Content>(content, LightningJson.Options);
        return read is { Policy: PolicyName, Categories.Count: > 1 } ? new LabelNamePolicy(read.Categories) : null;
    }

    private sealed record Content(string Policy, IReadOnlyList<string> Categories);
}
