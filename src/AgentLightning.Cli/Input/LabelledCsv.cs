using System.Globalization;
using AgentLightning.Common;
using AgentLightning.Triage;
using CsvHelper;
using CsvHelper.Configuration;

namespace AgentLightning.Cli.Input;

/// <summary>A user's own labelled file: CSV (RFC 4180) in UTF-8 with a header line.</summary>
/// <param name="TextColumns">One column: the text. Several: the first is the title, the others together are the text.</param>
internal sealed record LabelledCsv(string Path, IReadOnlyList<string> TextColumns, string LabelColumn, string? SliceColumn, bool SkipEmpty)
{
    /// <summary>Reads row by row. Anything wrong with the file is <see cref="ErrorKind.Invalid"/>, naming file and row.</summary>
    public IEnumerable<LabelledItem> Read()
    {
        if (!File.Exists(Path))
        {
            throw LightningException.Invalid($"There is no file '{Path}'. Give the path of a CSV file with --data.");
        }

        if (TextColumns.Count == 0)
        {
            throw LightningException.Invalid("--text-column names no column. Give one or more, for example --text-column title,body.");
        }

        using var csv = new CsvReader(
            new StreamReader(Path),
            new CsvConfiguration(CultureInfo.InvariantCulture) { BadDataFound = null, MissingFieldFound = null }
        );
        if (!Advance(csv) || !csv.ReadHeader())
        {
            throw LightningException.Invalid($"'{Path}' is empty. A CSV file with a header line is expected.");
        }

        var text = TextColumns.Select(column => IndexOf(csv, column)).ToArray();
        var label = IndexOf(csv, LabelColumn);
        var slice = SliceColumn is null ? -1 : IndexOf(csv, SliceColumn);
        while (Advance(csv))
        {
            var row = csv.Parser.Row;
            var title = text.Length > 1 ? Field(csv, text[0]) : "";
            var body = text.Length == 1 ? Field(csv, text[0]) : string.Join("\n\n", text.Skip(1).Select(column => Field(csv, column)));
            var rightLabel = Field(csv, label).Trim();
            var noText = string.IsNullOrWhiteSpace(title) && string.IsNullOrWhiteSpace(body);
            if (noText || rightLabel.Length == 0)
            {
                if (SkipEmpty)
                {
                    continue;
                }

                throw LightningException.Invalid(
                    $"Row {row} of '{Path}' has an empty {(noText ? $"text ({string.Join(", ", TextColumns)})" : $"label ({LabelColumn})")}. Correct the row, or leave such rows out with --skip-empty."
                );
            }

            yield return new LabelledItem(
                new FeedbackTask(body, text.Length > 1 ? title : null),
                rightLabel,
                Slice: slice < 0 ? null : Field(csv, slice)
            );
        }
    }

    private bool Advance(CsvReader csv)
    {
        try
        {
            return csv.Read();
        }
        catch (CsvHelperException e)
        {
            throw new LightningException(
                ErrorKind.Invalid,
                $"Row {csv.Parser.Row} of '{Path}' cannot be read as CSV: {e.Message.Split('\n')[0].TrimEnd()}",
                e
            );
        }
    }

    private int IndexOf(CsvReader csv, string column)
    {
        var index = Array.IndexOf(csv.HeaderRecord!, column);
        return index >= 0
            ? index
            : throw LightningException.Invalid(
                $"'{Path}' has no column '{column}'. Its columns are: {string.Join(", ", csv.HeaderRecord!)}."
            );
    }

    private static string Field(CsvReader csv, int index) => csv.GetField(index) ?? "";
}
