using AgentLightning.Cli.Input;
using AgentLightning.Testing;
using AgentLightning.Triage;

namespace AgentLightning.Benchmarks;

/// <summary>
/// Public research data that is not part of the repository: under <c>LIGHTNING_SHARED_DATA</c>, or in <c>../shared/data</c> beside it.
/// </summary>
internal static class LabelledData
{
    /// <summary>
    /// Customer questions about a bank; only the first intents of the alphabet, where there should be fewer than all 77. Null, and a line
    /// that says so, where the file is absent.
    /// </summary>
    public static IReadOnlyList<(FeedbackTask Task, string Label)>? Banking77(int intents)
    {
        var items = Read("banking77/train.csv", ["text"], "category");
        var kept = items?.Select(item => item.Label).Distinct().Order(StringComparer.Ordinal).Take(intents).ToHashSet();
        return items?.Where(item => kept!.Contains(item.Label)).ToList();
    }

    /// <summary>Issues of five projects: bug, feature or question. Null, and a line that says so, where the file is absent.</summary>
    public static IReadOnlyList<(FeedbackTask Task, string Label)>? Nlbse24() =>
        Read("nlbse24/issues_train.csv", ["title", "body"], "label");

    private static List<(FeedbackTask Task, string Label)>? Read(string name, IReadOnlyList<string> text, string label)
    {
        var folder = Environment.GetEnvironmentVariable("LIGHTNING_SHARED_DATA") ?? Path.Combine(Repository.Root, "..", "shared", "data");
        var path = Path.GetFullPath(Path.Combine(folder, name));
        if (File.Exists(path))
        {
            return [.. new LabelledCsv(path, text, label, null, SkipEmpty: true).Read().Select(item => (item.Task, item.Label))];
        }

        Console.Error.WriteLine($"left out: there is no '{path}'. Set LIGHTNING_SHARED_DATA to the folder that has {name}.");
        return null;
    }
}
