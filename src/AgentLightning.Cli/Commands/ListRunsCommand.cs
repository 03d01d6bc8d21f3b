using System.CommandLine;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Cli.Records.Lookup;
using AgentLightning.Common;
using AgentLightning.Lookup;
using AgentLightning.Training;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning list-runs</c>: training runs, newest first.</summary>
internal static class ListRunsCommand
{
    public static Command Create()
    {
        var (records, json) = (new RecordsOptions(), CommonOptions.Json());
        var agentId = new Option<string?>("--agent-id") { Description = "Only runs of this agent." };
        var status = new Option<string?>("--status")
        {
            Description = $"Only runs in this state: {string.Join(", ", Enum.GetValues<TrainingStatus>().Select(EnumText.Of))}.",
        };
        var limit = new Option<int>("--limit") { Description = "Most runs, 1 to 1,000.", DefaultValueFactory = _ => 20 };
        var before = new Option<string?>("--before") { Description = "Only runs older than the one with this id." };
        var command = new Command("list-runs", "Lists training runs, newest first. Example: lightning list-runs --status running")
        {
            agentId,
            status,
            limit,
            before,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var query = new TrainingRunQuery(
                    parsed.GetValue(agentId),
                    parsed.GetValue(status) is { } word ? EnumText.Parse<TrainingStatus>(word, "--status") : null,
                    parsed.GetValue(limit),
                    await opened.Ids.WholeOrNoneAsync(RecordKind.TrainingRun, parsed.GetValue(before), cancellationToken)
                );
                var list = await opened.Training.ListAsync(query, cancellationToken);
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(list);
                    return ExitCodes.Success;
                }

                RunTable.Write(list);
                Terminal.Out.WriteLine(
                    list.TrainingRuns is [var newest, ..]
                        ? $"Next: lightning status --run-id {newest.Id}"
                        : "There are none. Next: lightning train --dataset-id ID"
                );
                return ExitCodes.Success;
            }
        );
        return command;
    }
}
