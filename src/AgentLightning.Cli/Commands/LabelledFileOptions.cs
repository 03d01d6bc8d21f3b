using System.CommandLine;
using AgentLightning.Cli.Input;
using AgentLightning.Common;

namespace AgentLightning.Cli.Commands;

/// <summary>The options that name labelled data and say how to read them.</summary>
internal sealed class LabelledFileOptions
{
    private readonly Option<FileInfo> _data = new("--data")
    {
        Description = "Labelled data, read as a stream: a CSV file with a header line, or .jsonl or .ndjson with an object on each line.",
    };

    private readonly Option<string> _text = new("--text-column")
    {
        Description = "Column or field of the text; with several, separated by commas, the first is the title.",
    };

    private readonly Option<string> _label = new("--label-column") { Description = "Column or field of the right label." };

    private readonly Option<string?> _slice = new("--slice-column")
    {
        Description = "Column that divides the data into slices, which are scored one by one as well.",
    };

    private readonly Option<bool> _skipEmpty = new("--skip-empty")
    {
        Description = "Leave out rows without text or label instead of stopping at the first.",
    };

    private readonly Option<string?> _encoding = new("--encoding")
    {
        Description = "Encoding of the file, for example windows-1252; UTF-8, or UTF-16 with its mark, by default.",
    };

    private readonly Option<string?> _delimiter = new("--delimiter")
    {
        Description = "What stands between columns: one character, or tab; by default found in the header.",
    };

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_data, _text, _label, _slice, _skipEmpty, _encoding, _delimiter])
        {
            command.Add(option);
        }
    }

    /// <summary>Whether a file is named.</summary>
    public bool Given(ParseResult parsed) => parsed.GetValue(_data) is not null;

    /// <summary>The file that the options name, with all of them that it needs.</summary>
    public ILabelledFile Read(ParseResult parsed)
    {
        var file = parsed.GetValue(_data)
            ?? throw LightningException.Invalid("--data is required: the path of a labelled CSV or JSONL file.");
        var textColumns = parsed.GetValue(_text)
            ?? throw LightningException.Invalid("--text-column is required with --data, for example --text-column title,body.");
        var labelColumn = parsed.GetValue(_label)
            ?? throw LightningException.Invalid("--label-column is required with --data, for example --label-column label.");
        string[] columns = textColumns.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (file.Extension.ToLowerInvariant() is ".jsonl" or ".ndjson")
        {
            if (parsed.GetValue(_encoding) is not null || parsed.GetValue(_delimiter) is not null)
            {
                throw LightningException.Invalid($"--encoding and --delimiter are for CSV files; '{file.Name}' is lines of JSON in UTF-8.");
            }

            return columns.Length == 0
                ? throw LightningException.Invalid("--text-column names no field. Give one or more, for example --text-column title,body.")
                : new LabelledLines(file.FullName, columns, labelColumn, parsed.GetValue(_slice), parsed.GetValue(_skipEmpty));
        }

        return new LabelledCsv(
            file.FullName,
            columns,
            labelColumn,
            parsed.GetValue(_slice),
            parsed.GetValue(_skipEmpty),
            parsed.GetValue(_encoding),
            parsed.GetValue(_delimiter) switch
            {
                null => null,
                "tab" or "\\t" => '\t',
                [var one] when !char.IsLetterOrDigit(one) && one is not ('"' or '\r' or '\n') => one,
                var other => throw LightningException.Invalid($"--delimiter must be one character, or tab, but it is '{other}'."),
            }
        );
    }
}
