using System.Globalization;
using AgentLightning.Cli.Output;
using AgentLightning.Evaluation;
using Spectre.Console;

namespace AgentLightning.Cli.Demo;

/// <summary>Shows people what a demo found: a table, a chart, and where to look next.</summary>
internal static class DemoReport
{
    public static void Write(DemoResult result, DemoState state, string store)
    {
        var comparison = state.Evaluation!.Comparison;
        var table = new Table().Title("What happened").AddColumns("", "before", "after");
        table.AddRow("policy", Markup.Escape(state.Evaluation.BaselineModel), Markup.Escape(state.Evaluation.CandidateModel));
        table.AddRow($"macro-F1, {comparison.Baseline.N} held-out items", Figure(comparison.Baseline), Figure(comparison.Candidate));
        table.AddRow("accuracy", Figure(comparison.BaselineAccuracy), Figure(comparison.CandidateAccuracy));
        foreach (var slice in state.Slices)
        {
            table.AddRow(
                $"  macro-F1 of {Markup.Escape(slice.Slice)}, {slice.Count} items",
                Figure(slice.Baseline),
                Figure(slice.Candidate)
            );
        }

        table.AddRow("mean reward when serving", Reward(state, "before"), Reward(state, "after"));
        table.AddRow(
            "gate",
            "",
            $"{(result.Gate.Passed ? "[green]passed[/]" : "[red]not passed[/]")}: {Markup.Escape(state.Evaluation.Verdict.Reason)}, "
                + $"{P(result.Gate.PValue)}"
        );
        table.AddRow("release", "", result.Promoted ? "[green]promoted[/]" : "[yellow]not promoted[/]");
        if (state.BadEvaluation is { } bad)
        {
            table.AddRow(
                "bad release",
                "",
                $"macro-F1 {Figure(bad.Comparison.Candidate)}, gate [red]not passed[/], forced; mean reward {Reward(state, "bad release")}"
            );
        }

        table.AddRow(
            "rollback",
            "",
            result.Rollback.Triggered
                ? $"[green]rolled back[/]: {Markup.Escape(result.Rollback.Reason)}"
                : $"[yellow]none[/]: {Markup.Escape(result.Rollback.Reason)}"
        );
        table.AddRow("now", "", state.ServingRewards.ContainsKey("rolled back") ? $"mean reward {Reward(state, "rolled back")} again" : "");
        Terminal.Results.Write(table);
        WriteChart(state);
        Terminal.Results.MarkupLineInterpolated(
            CultureInfo.InvariantCulture,
            $"{result.Episodes} episodes, {result.Rewards} rewards, {result.Seconds:0.0} s, seed {result.Seed}"
        );
        var program = Program();
        Terminal.Results.WriteLine($"Look inside:  {program} lineage --store {store}");
        Terminal.Results.WriteLine($"Try it:       {program} serve --store {store}");
    }

    private static void WriteChart(DemoState state)
    {
        var chart = new BarChart()
            .Label("macro-F1 on held-out items, %")
            .LeftAlignLabel()
            .WithMaxValue(100)
            .AddItem("before", Percent(state.Evaluation!.Comparison.Baseline.Value), Color.Grey)
            .AddItem("after", Percent(state.Evaluation.Comparison.Candidate.Value), Color.Green);
        if (state.BadEvaluation is { } bad)
        {
            chart.AddItem("bad release", Percent(bad.Comparison.Candidate.Value), Color.Red);
        }

        Terminal.Results.Write(chart);
        if (state.TrainingRewards.Count > 0)
        {
            var (first, last) = (state.TrainingRewards[0], state.TrainingRewards[^1]);
            Terminal.Results.MarkupLineInterpolated(
                CultureInfo.InvariantCulture,
                $"reward of fresh answers, round by round  {Sparkline(state.TrainingRewards)}  {first:+0.00;-0.00} → {last:+0.00;-0.00}"
            );
        }
    }

    /// <summary>How to call this program from here: by its name where the shell finds it, else by its path.</summary>
    private static string Program()
    {
        if (Environment.ProcessPath is not { } path || Path.GetFileNameWithoutExtension(path) != "lightning")
        {
            return "lightning";
        }

        var folder = Path.GetDirectoryName(path);
        var found = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Contains(folder);
        return found ? "lightning"
            : Path.GetRelativePath(Environment.CurrentDirectory, path) is var relative
            && relative.StartsWith("..", StringComparison.Ordinal)
                ? path
            : relative;
    }

    private static string Sparkline(IReadOnlyList<double> values)
    {
        const string Bars = "▁▂▃▄▅▆▇█";
        var (low, high) = (values.Min(), values.Max());
        return string.Concat(
            values.Select(value => Bars[high > low ? (int)Math.Round((value - low) / (high - low) * (Bars.Length - 1)) : 0])
        );
    }

    private static string Figure(Measurement m) =>
        string.Create(CultureInfo.InvariantCulture, $"{m.Value:0.000} [[{m.Low:0.000}, {m.High:0.000}]]");

    private static string P(double p) => p < 0.0001 ? "p < 0.0001" : string.Create(CultureInfo.InvariantCulture, $"p = {p:0.0000}");

    private static string Figure(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);

    private static string Reward(DemoState state, string name) =>
        state.ServingRewards.TryGetValue(name, out var reward) ? reward.ToString("+0.00;-0.00", CultureInfo.InvariantCulture) : "";

    private static double Percent(double share) => Math.Round(100 * share, 1);
}
