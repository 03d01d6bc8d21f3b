using System.CommandLine;
using System.Globalization;
using System.Text;
using AgentLightning.Capture;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Common;

namespace AgentLightning.Cli.Commands;

/// <summary>
/// <c>lightning episodes import</c>: takes lines of JSON, as export writes them. Done twice it is done once, by the ids of the records.
/// </summary>
internal static class EpisodesImportCommand
{
    private const int LinesTogether = 1_000;
    private const int BytesTogether = 4 * 1024 * 1024;
    private const int ToldOneByOne = 20;

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

                using var reader = path == "-" ? Console.In : new StreamReader(path);
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var outcome = await ImportAsync(reader, opened, cancellationToken);
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(outcome);
                }
                else
                {
                    Console.Out.WriteLine(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{outcome.Accepted} records stored, {outcome.Duplicates} were there already, {outcome.Rejected.Count} refused"
                        )
                    );
                    foreach (var line in outcome.Rejected.Take(ToldOneByOne))
                    {
                        await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"line {line.Line}: {line.Error}"));
                    }
                }

                return outcome.Rejected.Count == 0 ? ExitCodes.Success : ExitCodes.Failure;
            }
        );
        return command;
    }

    private static async Task<CaptureOutcome> ImportAsync(TextReader reader, IRecords records, CancellationToken cancellationToken)
    {
        var (accepted, duplicates, rejected, progress) = (0, 0, new List<RejectedLine>(), new ProgressLine("lines read"));
        var (batch, first, read) = (new StringBuilder(), 0, 0);
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            batch.Append(line).Append('\n');
            if (++read - first >= LinesTogether || batch.Length >= BytesTogether)
            {
                await SendAsync();
            }
        }

        await SendAsync();
        return new CaptureOutcome(accepted, duplicates, rejected);

        async Task SendAsync()
        {
            if (batch.Length == 0)
            {
                return;
            }

            using var lines = new MemoryStream(Encoding.UTF8.GetBytes(batch.ToString()));
            var outcome = await records.ImportAsync(lines, cancellationToken);
            (accepted, duplicates) = (accepted + outcome.Accepted, duplicates + outcome.Duplicates);
            rejected.AddRange(outcome.Rejected.Select(refused => refused with { Line = refused.Line + first }));
            (first, _) = (read, batch.Clear());
            progress.Report(read);
        }
    }
}
