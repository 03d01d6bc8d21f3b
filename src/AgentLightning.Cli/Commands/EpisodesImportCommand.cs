using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using AgentLightning.Cli.Input;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Cli.Records.Episodes;
using AgentLightning.Common;

namespace AgentLightning.Cli.Commands;

/// <summary>
/// <c>lightning episodes import</c>: takes lines of JSON, as export writes them. Done twice it is done once, by the ids of the records.
/// </summary>
internal static class EpisodesImportCommand
{
    public static Command Create()
    {
        var (records, json) = (new RecordsOptions(), CommonOptions.Json());
        var file = new Argument<string>("file") { Description = "The file, one record a line; - is standard input." };
        CommonOptions.RefuseOptions(file, "Write ./ before the name of a file that begins with two dashes.");
        var command = new Command(
            "import",
            "Stores episodes and rewards from lines of JSON; what is there already stays. Example: lightning episodes import episodes.jsonl"
        )
        {
            file,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                var path = parsed.GetValue(file)!;
                if (path != "-" && !File.Exists(path))
                {
                    throw LightningException.Invalid($"There is no file '{path}'.");
                }

                await using var lines = path == "-" ? Console.OpenStandardInput() : File.OpenRead(path);
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var summary = await ImportAsync(lines, opened.Episodes, cancellationToken);
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(summary.ToJson());
                }
                else
                {
                    Terminal.Out.WriteLine(summary.Describe());
                    foreach (var line in summary.DescribeRefused())
                    {
                        await Terminal.Error.WriteLineAsync(line);
                    }
                }

                return summary.Refused == 0 ? ExitCodes.Success : ExitCodes.Failure;
            }
        );
        return command;
    }

    private static async Task<ImportSummary> ImportAsync(Stream file, IEpisodeRecords records, CancellationToken cancellationToken)
    {
        var (summary, clock, size) = (new ImportSummary(), Stopwatch.StartNew(), file.CanSeek ? file.Length : (long?)null);
        var early = new EarlyLines();
        using var progress = new LiveLine(between: LiveLine.Plain);
        await foreach (var batch in ImportLines.ReadAsync(file, cancellationToken))
        {
            using var lines = new MemoryStream(batch.Content.ToArray());
            var outcome = await records.ImportAsync(lines, cancellationToken);
            foreach (var line in batch.NotText)
            {
                summary.Refuse(line);
            }

            summary.Add(early.Keep(outcome, batch), line => batch.Before + line);
            if (early.IsFull)
            {
                await SendAgainAsync();
            }

            var read = batch.Before + batch.Lines;
            progress.Show(() =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{read:N0} lines read{(size is > 0 ? $" ({100 * batch.Bytes / size.Value} %)" : "")}, "
                        + $"{read / clock.Elapsed.TotalSeconds:N0} a second, {summary.Refused:N0} refused"
                )
            );
        }

        if (!early.IsEmpty)
        {
            await SendAgainAsync();
        }

        return summary;

        // What is still not to be had is refused.
        async Task SendAgainAsync()
        {
            var (content, numbers) = early.Take();
            using (content)
            {
                summary.Add(await records.ImportAsync(content, cancellationToken), line => numbers[line - 1]);
            }
        }
    }
}
