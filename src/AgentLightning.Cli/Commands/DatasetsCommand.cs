using System.CommandLine;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Cli.Records.Lookup;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Lookup;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning datasets export</c>: the rows of a data set, in the form that others read.</summary>
internal static class DatasetsCommand
{
    private const int ReportEvery = 500;

    public static Command Create() => new("datasets", "Data sets for other programs.") { CreateExport() };

    private static Command CreateExport()
    {
        var records = new RecordsOptions();
        var id = new Option<string>("--dataset-id") { Description = "The data set.", Required = true };
        var format = new Option<string>("--format")
        {
            Description = "jsonl as it is stored; openai for fine-tuning; dpo or trl for pairs; csv for people.",
            DefaultValueFactory = _ => "jsonl",
        };
        var side = new Option<string?>("--side") { Description = "Only train or validation; both by default." };
        var output = new Option<FileInfo?>("--out") { Description = "The file to write; standard output by default. It must not exist." };
        var command = new Command(
            "export",
            "Writes the rows of a data set as lines. Example: lightning datasets export --dataset-id ID --format openai --side train --out "
                + "train.jsonl"
        )
        {
            id,
            format,
            side,
            output,
        };
        records.AddTo(command);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                var form = EnumText.Parse<DatasetFormat>(parsed.GetValue(format), "--format");
                var only = parsed.GetValue(side) is { } word ? EnumText.Parse<DatasetSide>(word, "--side") : (DatasetSide?)null;
                var file = parsed.GetValue(output);
                if (file?.Exists == true)
                {
                    throw LightningException.Conflict($"'{file}' exists already. Name a new file, or delete it first.");
                }

                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var whole = await opened.Ids.WholeAsync(RecordKind.Dataset, parsed.GetValue(id)!, cancellationToken);
                var written = 0L;
                // The file is made with its first line: what is refused leaves none.
                TextWriter? writer = file is null ? Terminal.Out : null;
                try
                {
                    using var progress = new ProgressLine("rows written");
                    await foreach (var line in opened.Datasets.ExportAsync(whole, form, only, cancellationToken))
                    {
                        writer ??= new StreamWriter(file!.FullName);
                        await writer.WriteAsync(line);
                        await writer.WriteAsync('\n');
                        if (++written % ReportEvery == 0)
                        {
                            progress.Report(written);
                        }
                    }
                }
                finally
                {
                    if (file is not null && writer is not null)
                    {
                        await writer.DisposeAsync();
                    }
                }

                if (file is not null)
                {
                    Terminal.Out.WriteLine($"{written} lines written to '{file}'");
                    Terminal.Out.WriteLine($"Next: lightning train --dataset-id {parsed.GetValue(id)}");
                }

                return ExitCodes.Success;
            }
        );
        return command;
    }
}
