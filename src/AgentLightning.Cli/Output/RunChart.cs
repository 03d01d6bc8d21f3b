using System.Globalization;

namespace AgentLightning.Cli.Output;

/// <summary>A small chart of a run on a terminal, drawn over itself as values come; nothing where there is no terminal.</summary>
/// <param name="what">What its values are.</param>
internal sealed class RunChart(string what)
{
    private const int Width = 60,
        Height = 8;
    private const string Levels = " ▁▂▃▄▅▆▇█";
    private readonly List<double> _values = [];
    private string _status = "";
    private int _drawn;

    /// <summary>Takes a value and the line that stands below the chart.</summary>
    public void Add(double value, string status)
    {
        _values.Add(value);
        _status = status;
    }

    /// <summary>Draws it again, below notes that stay.</summary>
    public void Draw(IEnumerable<string> notes)
    {
        if (Console.IsErrorRedirected)
        {
            return;
        }

        // Up to where the last one began, and clear what is below.
        Console.Error.Write(_drawn == 0 ? "" : $"\u001b[{_drawn}A\u001b[0J");
        foreach (var note in notes)
        {
            Console.Error.WriteLine(note);
        }

        string[] lines = [.. Lines(_values, what), _status];
        foreach (var line in lines)
        {
            // A line that the terminal breaks would be two to go up, and the first would stay.
            Console.Error.WriteLine(Terminal.Cut(line, Terminal.ProgressWidth));
        }

        _drawn = lines.Length;
    }

    /// <summary>
    /// The chart as lines: the values from the smallest to the largest, the last at the right; more values than columns are averaged.
    /// </summary>
    internal static IEnumerable<string> Lines(IReadOnlyList<double> values, string what)
    {
        if (values.Count == 0)
        {
            yield break;
        }

        double[] columns =
        [
            .. Enumerable.Range(0, Math.Min(Width, values.Count)).Select(column => Column(values, column, Math.Min(Width, values.Count))),
        ];
        var (low, high) = (columns.Min(), columns.Max());
        for (var row = Height - 1; row >= 0; row--)
        {
            var label =
                row == Height - 1 ? high
                : row == 0 ? low
                : double.NaN;
            var bars = columns.Select(value =>
                Levels[
                    (int)
                        Math.Clamp(
                            Math.Round((((high > low ? (value - low) / (high - low) : 0.5) * Height) - row) * 8),
                            row == 0 ? 1 : 0,
                            8
                        )
                ]
            );
            yield return $"{(double.IsNaN(label) ? "" : label.ToString("0.###", CultureInfo.InvariantCulture)), 7} "
                + $"│{string.Concat(bars)}{(row == Height - 1 ? "  " + what : "")}";
        }
    }

    private static double Column(IReadOnlyList<double> values, int column, int columns)
    {
        var (from, to) = (values.Count * column / columns, values.Count * (column + 1) / columns);
        return values.Skip(from).Take(to - from).Average();
    }
}
