using System.CommandLine;
using AgentLightning.Cli.Input;
using AgentLightning.Common;
using AgentLightning.Triage;

namespace AgentLightning.Cli.Commands;

/// <summary>Options that mean the same in every command.</summary>
internal static class CommonOptions
{
    public static Option<bool> Json() => new("--json") { Description = "Print one JSON object instead of tables." };

    public static Option<string> Store() =>
        new("--store")
        {
            Description = "The store: the path of a SQLite file, or the connection string of a PostgreSQL database (Host=…;Database=…).",
            DefaultValueFactory = _ => "lightning.db",
        };

    public static Option<string> AgentId() =>
        new("--agent-id") { Description = "The agent that is meant.", DefaultValueFactory = _ => TriageAgent.DefaultAgentId };

    public static Option<long> Seed() =>
        new("--seed") { Description = "Fixes every random choice; the same seed gives the same figures.", DefaultValueFactory = _ => 1 };

    public static Option<FileInfo> Data() => new("--data") { Description = "Labelled CSV file with a header line, read as a stream." };

    public static Option<string> TextColumn() =>
        new("--text-column") { Description = "Column of the text; with several, separated by commas, the first is the title." };

    public static Option<string> LabelColumn() => new("--label-column") { Description = "Column of the right label." };

    public static Option<string?> SliceColumn() =>
        new("--slice-column") { Description = "Column that divides the data into slices, which are scored one by one as well." };

    public static Option<bool> SkipEmpty() =>
        new("--skip-empty") { Description = "Leave out rows without text or label instead of stopping at the first." };

    /// <summary>Where a period begins. UTC where no zone is given.</summary>
    public static Option<DateTimeOffset?> Start(string description) => Time("--start", description, IsoTime.Start);

    /// <summary>Where a period ends: of a day, at its last moment. UTC where no zone is given.</summary>
    public static Option<DateTimeOffset?> End(string description) => Time("--end", description, IsoTime.End);

    private static Option<DateTimeOffset?> Time(string name, string description, Func<string, string, DateTimeOffset?> read) =>
        new(name)
        {
            Description = description,
            CustomParser = result =>
            {
                try
                {
                    return read(result.Tokens[0].Value, name);
                }
                catch (LightningException e)
                {
                    result.AddError(e.Message);
                    return null;
                }
            },
        };

    /// <summary>A mistyped option must not be taken for the argument.</summary>
    public static void RefuseOptions(Argument<string> argument, string hint) =>
        argument.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: ['-', '-', _, ..] option }, ..])
            {
                result.AddError($"Unrecognized option '{option}'. {hint}");
            }
        });

    /// <summary>The file that the options name, with all of them given.</summary>
    public static LabelledCsv Csv(
        ParseResult parsed,
        Option<FileInfo> data,
        Option<string> text,
        Option<string> label,
        Option<string?> slice,
        Option<bool> skipEmpty
    )
    {
        var file = parsed.GetValue(data) ?? throw LightningException.Invalid("--data is required: the path of a labelled CSV file.");
        var textColumns = parsed.GetValue(text)
            ?? throw LightningException.Invalid("--text-column is required with --data, for example --text-column title,body.");
        var labelColumn = parsed.GetValue(label)
            ?? throw LightningException.Invalid("--label-column is required with --data, for example --label-column label.");
        return new LabelledCsv(
            file.FullName,
            textColumns.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries),
            labelColumn,
            parsed.GetValue(slice),
            parsed.GetValue(skipEmpty)
        );
    }
}
