namespace AgentLightning.Evaluation;

/// <summary>How one label fared.</summary>
/// <param name="Support">Items whose right answer it is.</param>
public sealed record LabelScore(string Label, double Precision, double Recall, double F1, int Support);

/// <summary>
/// Accuracy, macro-F1 (the plain mean of F1 over the labels that occur among right or given answers) and a row per label.
/// </summary>
public sealed record ClassificationReport(int Count, double Accuracy, double MacroF1, IReadOnlyList<LabelScore> Labels)
{
    /// <summary>Scores given answers against the right ones. Both have one length, at least 1.</summary>
    public static ClassificationReport Of(IReadOnlyList<string> expected, IReadOnlyList<string> given)
    {
        if (expected.Count != given.Count || expected.Count == 0)
        {
            throw new ArgumentException(
                $"There must be as many given answers as right ones, and at least one, but there are {given.Count} and {expected.Count}."
            );
        }

        var counts = new SortedDictionary<string, (int Hit, int Given, int Expected)>(StringComparer.Ordinal);
        var right = 0;
        for (var i = 0; i < expected.Count; i++)
        {
            var hit = string.Equals(expected[i], given[i], StringComparison.Ordinal) ? 1 : 0;
            right += hit;
            var e = counts.GetValueOrDefault(expected[i]);
            counts[expected[i]] = (e.Hit + hit, e.Given, e.Expected + 1);
            var g = counts.GetValueOrDefault(given[i]);
            counts[given[i]] = (g.Hit, g.Given + 1, g.Expected);
        }

        var rows = counts
            .Select(pair => new LabelScore(
                pair.Key,
                Share(pair.Value.Hit, pair.Value.Given),
                Share(pair.Value.Hit, pair.Value.Expected),
                Share(2 * pair.Value.Hit, pair.Value.Given + pair.Value.Expected),
                pair.Value.Expected
            ))
            .ToList();
        return new ClassificationReport(expected.Count, Share(right, expected.Count), rows.Average(row => row.F1), rows);

        static double Share(int part, int whole) => whole == 0 ? 0 : (double)part / whole;
    }
}
