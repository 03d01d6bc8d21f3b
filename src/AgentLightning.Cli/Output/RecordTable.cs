using AgentLightning.Common;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace AgentLightning.Cli.Output;

/// <summary>What a column holds, and so what becomes of it where the terminal is narrow.</summary>
internal enum ColumnKind
{
    /// <summary>Is cut.</summary>
    Text,

    /// <summary>A number, a time, a word: stays as it is.</summary>
    Fixed,

    /// <summary>Is whole where there is room, and else in a short form that every command takes, so that it can be copied.</summary>
    Id,
}

/// <param name="Spare">Columns above 0 are left out where not all have room, the highest first.</param>
internal sealed record RecordColumn(string Name, ColumnKind Kind = ColumnKind.Text, int Spare = 0);

/// <summary>
/// Lists records for people, each on one line. On a terminal, lines are no longer than it is wide; in a file or a pipe, nothing is cut.
/// </summary>
internal sealed class RecordTable(params RecordColumn[] columns)
{
    private const int Gap = 2;
    private const int NarrowestText = 14;
    private readonly List<string[]> _rows = [];

    public int Count => _rows.Count;

    public void Add(params string?[] cells) => _rows.Add([.. cells.Select(cell => Terminal.OneLine(cell ?? ""))]);

    public void Write()
    {
        var first = true;
        foreach (var line in Terminal.IsOutputRedirected ? Lines(int.MaxValue) : Lines(Terminal.ResultsWidth))
        {
            if (first)
            {
                Terminal.Results.MarkupLine($"[bold]{Markup.Escape(line)}[/]");
            }
            else
            {
                Terminal.Out.WriteLine(line);
            }

            first = false;
        }
    }

    /// <summary>The names of the columns, and each record.</summary>
    internal IEnumerable<string> Lines(int width)
    {
        string[][] rows =
        [
            [.. columns.Select(column => column.Name)],
            .. _rows,
        ];
        if (_rows.Count > 0 && Enumerable.Range(0, columns.Length).Sum(i => Least(i, rows.Max(row => Columns(row[i]))) + Gap) - Gap > width)
        {
            rows = Shortened(rows);
        }

        int[] natural = [.. columns.Select((_, i) => rows.Max(row => Columns(row[i])))];
        var shown = Shown(natural, width);
        var widths = Share(natural, shown, width);
        return rows.Select(row =>
            string.Concat(shown.Select(i => Terminal.Cut(row[i], widths[i]) is var cell ? cell + Pad(widths[i] - Columns(cell)) : ""))
                .TrimEnd()
        );
    }

    private static string Pad(int columns) => new(' ', columns + Gap);

    private static int Columns(string text) => new Segment(text).CellCount();

    /// <summary>The columns for which there is room, where a text is cut to what can just be read.</summary>
    private List<int> Shown(int[] natural, int width)
    {
        List<int> shown = [.. Enumerable.Range(0, columns.Length)];
        while (
            shown.Sum(i => Least(i, natural[i]) + Gap) - Gap > width
            && shown.Where(i => columns[i].Spare > 0).OrderByDescending(i => columns[i].Spare).ToList() is [var spare, ..]
        )
        {
            shown.Remove(spare);
        }

        return shown;
    }

    private long Least(int i, int natural) => columns[i].Kind == ColumnKind.Text ? Math.Min(natural, NarrowestText) : natural;

    /// <summary>With short forms of the ids, which tell those of a column apart.</summary>
    private string[][] Shortened(string[][] rows)
    {
        var forms = columns
            .Select((column, i) => column.Kind == ColumnKind.Id ? ShortId.Shorten(_rows.Select(row => row[i])) : null)
            .ToList();
        return [rows[0], .. rows.Skip(1).Select(row => row.Select((cell, i) => forms[i]?[cell] ?? cell).ToArray())];
    }

    /// <summary>How wide each column is: what texts leave of their shares goes to longer ones.</summary>
    private int[] Share(int[] natural, List<int> shown, int width)
    {
        var widths = natural.ToArray();
        var texts = shown.Where(i => columns[i].Kind == ColumnKind.Text).OrderBy(i => natural[i]).ToList();
        var left = (long)width - (Gap * (shown.Count - 1)) - shown.Except(texts).Sum(i => (long)natural[i]);
        for (var k = 0; k < texts.Count; k++)
        {
            widths[texts[k]] = (int)Math.Clamp(left / (texts.Count - k), 1, natural[texts[k]]);
            left -= widths[texts[k]];
        }

        return widths;
    }
}
