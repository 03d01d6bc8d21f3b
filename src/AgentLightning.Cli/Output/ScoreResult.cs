using AgentLightning.Cli.Input;
using AgentLightning.Evaluation;
using AgentLightning.Triage;

namespace AgentLightning.Cli.Output;

/// <summary>One item with the answer that a policy gave.</summary>
internal sealed record ScoredItem(LabelledItem Item, string Answer)
{
    public static ScoredItem Of(ITriagePolicy policy, LabelledItem item) =>
        new(item, policy.Categories[policy.Score(item.Task, new float[policy.Categories.Count])]);
}

/// <summary>One slice of the data, scored by itself.</summary>
internal sealed record SliceScore(string Slice, int Count, double Accuracy, double MacroF1);

/// <summary>How a policy did on labelled items.</summary>
/// <param name="SliceMacroF1Mean">Mean of the slices' macro-F1; null without slices.</param>
/// <param name="MicrosecondsPerItem">From text to answer, features included.</param>
internal sealed record ScoreResult(
    int Count,
    double Accuracy,
    double MacroF1,
    IReadOnlyList<SliceScore> Slices,
    double? SliceMacroF1Mean,
    IReadOnlyList<LabelScore> Classes,
    double MicrosecondsPerItem
)
{
    public static ScoreResult Of(IReadOnlyList<ScoredItem> scored, TimeSpan elapsed)
    {
        var all = Report(scored);
        var slices = scored
            .Where(item => item.Item.Slice is not null)
            .GroupBy(item => item.Item.Slice!)
            .OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => (group.Key, Report: Report([.. group])))
            .Select(slice => new SliceScore(slice.Key, slice.Report.Count, slice.Report.Accuracy, slice.Report.MacroF1))
            .ToList();
        return new ScoreResult(
            all.Count,
            all.Accuracy,
            all.MacroF1,
            slices,
            slices.Count == 0 ? null : slices.Average(slice => slice.MacroF1),
            all.Labels,
            elapsed.TotalMicroseconds / all.Count
        );
    }

    private static ClassificationReport Report(IReadOnlyList<ScoredItem> scored) =>
        ClassificationReport.Of([.. scored.Select(item => item.Item.Label)], [.. scored.Select(item => item.Answer)]);
}
