using System.CommandLine;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Common;
using AgentLightning.Episodes;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning episodes export</c>: episodes and rewards as lines of JSON.</summary>
internal static class EpisodesExportCommand
{
    private const int ReportEvery = 500;

    public static Command Create()
    {
        var records = new RecordsOptions();
        var output = new Option<FileInfo?>("--out") { Description = "The file to write; standard output by default. It must not exist." };
        var agentId = new Option<string?>("--agent-id") { Description = "Only episodes of this agent." };
        var userId = new Option<string?>("--user-id") { Description = "Only episodes of this user." };
        var command = new Command(
            "export",
            "Writes episodes and their rewards as lines of JSON, which import takes. Example: lightning episodes export --out "
                + "episodes.jsonl"
        )
        {
            output,
            agentId,
            userId,
        };
        records.AddTo(command);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var file = parsed.GetValue(output);
                if (file?.Exists == true)
                {
                    throw LightningException.Conflict($"'{file}' exists already. Name a new file, or delete it first.");
                }

                await using var writer = file is null ? Terminal.Out : new StreamWriter(file.FullName);
                using var progress = new ProgressLine("records written");
                var written = 0L;
                await foreach (
                    var line in opened.Episodes.ExportAsync(
                        new EpisodeQuery(parsed.GetValue(agentId), UserId: parsed.GetValue(userId)),
                        cancellationToken
                    )
                )
                {
                    await writer.WriteAsync(line);
                    await writer.WriteAsync('\n');
                    if (++written % ReportEvery == 0)
                    {
                        progress.Report(written);
                    }
                }

                return ExitCodes.Success;
            }
        );
        return command;
    }
}
