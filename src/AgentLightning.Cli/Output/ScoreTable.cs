using System.Globalization;
using Spectre.Console;

namespace AgentLightning.Cli.Output;

/// <summary>Shows a score to people.</summary>
internal static class ScoreTable
{
    public static void Write(ScoreResult score)
    {
        var classes = new Table().AddColumns("label", "precision", "recall", "F1", "items");
        foreach (var row in score.Classes)
        {
            classes.AddRow(
                Markup.Escape(row.Label),
                Figure(row.Precision),
                Figure(row.Recall),
                Figure(row.F1),
                row.Support.ToString(CultureInfo.InvariantCulture)
            );
        }

        Terminal.Results.Write(classes);
        if (score.Slices.Count > 0)
        {
            var slices = new Table().AddColumns("slice", "macro-F1", "accuracy", "items");
            foreach (var row in score.Slices)
            {
                slices.AddRow(
                    Markup.Escape(row.Slice),
                    Figure(row.MacroF1),
                    Figure(row.Accuracy),
                    row.Count.ToString(CultureInfo.InvariantCulture)
                );
            }

            Terminal.Results.Write(slices);
        }

        var ofSlices = score.SliceMacroF1Mean is { } mean
            ? string.Create(CultureInfo.InvariantCulture, $"  mean over slices {mean:0.0000}")
            : "";
        Terminal.Results.MarkupLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"accuracy [bold]{score.Accuracy:0.0000}[/]  macro-F1 [bold]{score.MacroF1:0.0000}[/]{ofSlices}  "
                    + $"{score.MicrosecondsPerItem:0.0} µs per item"
            )
        );
    }

    private static string Figure(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);
}
