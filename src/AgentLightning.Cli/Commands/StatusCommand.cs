using System.CommandLine;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Cli.Records.Lookup;
using AgentLightning.Lookup;
using AgentLightning.Training;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning status</c>: how far a training run is, and what it says.</summary>
internal static class StatusCommand
{
    private const int Lines = 100;

    public static Command Create()
    {
        var (records, json) = (new RecordsOptions(), CommonOptions.Json());
        var runId = RunId();
        var agentId = AgentId();
        var command = new Command("status", "Shows how far a training run is. Example: lightning status --run-id ID") { runId, agentId };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var whole = await opened.Ids.WholeAsync(RecordKind.TrainingRun, parsed.GetValue(runId)!, cancellationToken);
                var run = await opened.Training.GetAsync(whole, cancellationToken);
                CancelCommand.CheckAgent(run, parsed.GetValue(agentId));
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(run);
                    return ExitCodes.Success;
                }

                var log = await opened.Training.LogAsync(new TrainingLogQuery(run.Id, Limit: Lines), cancellationToken);
                RunTable.Write(run, log.Lines);
                return ExitCodes.Success;
            }
        );
        return command;
    }

    internal static Option<string> RunId() => new("--run-id") { Description = "The training run that is meant.", Required = true };

    internal static Option<string?> AgentId() => new("--agent-id") { Description = "Only when the run is this agent's." };
}
