using System.Globalization;
using System.Text;
using AgentLightning.Common;
using AgentLightning.Triage;
using CsvHelper;
using CsvHelper.Configuration;

namespace AgentLightning.Cli.Input;

/// <summary>A user's own labelled file: CSV (RFC 4180) with a header line.</summary>
/// <param name="TextColumns">One column: the text. Several: the first is the title, the others together are the text.</param>
/// <param name="Encoding">Null is UTF-8, or UTF-16 where the file begins by saying so.</param>
/// <param name="Delimiter">What stands between columns; null takes what the header has between the columns that are asked for.</param>
internal sealed record LabelledCsv(
    string Path,
    IReadOnlyList<string> TextColumns,
    string LabelColumn,
    string? SliceColumn,
    bool SkipEmpty,
    string? Encoding = null,
    char? Delimiter = null
) : ILabelledFile
{
    private static readonly char[] s_delimiters = [',', ';', '\t', '|'];

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

        var delimiter = Delimiter ?? FindDelimiter();
        using var csv = new CsvReader(
            new QuoteCheckingReader(TextFile.Open(Path, Encoding), Path, delimiter),
            new CsvConfiguration(CultureInfo.InvariantCulture) { BadDataFound = null, Delimiter = delimiter.ToString() }
        );
        if (!Advance(csv) || !csv.ReadHeader())
        {
            throw Empty();
        }

        var header = new CsvHeader(csv.HeaderRecord!);
        var text = TextColumns.Select(column => header.IndexOf(column, Path)).ToArray();
        var label = header.IndexOf(LabelColumn, Path);
        var slice = SliceColumn is null ? -1 : header.IndexOf(SliceColumn, Path);
        while (Advance(csv))
        {
            var row = csv.Parser.Row;
            if (csv.Parser.Count != header.Count)
            {
                throw LightningException.Invalid(
                    $"Row {row} of '{Path}', which ends in line {csv.Parser.RawRow}, has {csv.Parser.Count} fields, and the header has "
                        + $"{header.Count}. Put quotes around a text that holds '{delimiter}'."
                );
            }

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
                    $"Row {row} of '{Path}' has an empty "
                        + (noText ? $"text ({string.Join(", ", TextColumns)})" : $"label ({LabelColumn})")
                        + ". Correct the row, or leave such rows out with --skip-empty."
                );
            }

            yield return new LabelledItem(
                new FeedbackTask(body, text.Length > 1 ? title : null),
                rightLabel,
                Slice: slice < 0 ? null : Field(csv, slice)
            );
        }
    }

    /// <summary>The first that makes columns of the header in which all that are asked for are found; a comma where none does.</summary>
    private char FindDelimiter()
    {
        using var reader = TextFile.Open(Path, Encoding);
        var line = ReadLine(reader) ?? throw Empty();
        string[] asked = [.. TextColumns, LabelColumn, .. SliceColumn is null ? Array.Empty<string>() : [SliceColumn]];
        var found = s_delimiters.Where(delimiter => asked.All(HeaderOf(line, delimiter).Has)).ToList();
        // Where a column is missing, the message is to name the columns, not the whole line as one.
        return found.Count > 0 ? found[0] : s_delimiters.MaxBy(delimiter => HeaderOf(line, delimiter).Count);
    }

    private static CsvHeader HeaderOf(string line, char delimiter)
    {
        using var parser = new CsvParser(
            new StringReader(line),
            new CsvConfiguration(CultureInfo.InvariantCulture) { BadDataFound = null, Delimiter = delimiter.ToString() }
        );
        return new CsvHeader(parser.Read() ? parser.Record! : []);
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
        catch (DecoderFallbackException e)
        {
            throw NotOfEncoding(e);
        }
    }

    private string? ReadLine(StreamReader reader)
    {
        try
        {
            return reader.ReadLine();
        }
        catch (DecoderFallbackException e)
        {
            throw NotOfEncoding(e);
        }
    }

    private LightningException NotOfEncoding(DecoderFallbackException e) =>
        new(ErrorKind.Invalid, $"'{Path}' is not {Encoding ?? "utf-16"}: {e.Message} Give another --encoding.", e);

    private LightningException Empty() => LightningException.Invalid($"'{Path}' is empty. A CSV file with a header line is expected.");

    private static string Field(CsvReader csv, int index) => csv.GetField(index) ?? "";
}
