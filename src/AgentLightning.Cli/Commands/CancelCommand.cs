using System.CommandLine;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Cli.Records.Lookup;
using AgentLightning.Common;
using AgentLightning.Lookup;
using AgentLightning.Server.Training;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning cancel</c>: ends a training run before its time.</summary>
internal static class CancelCommand
{
    public static Command Create()
    {
        var (records, json) = (new RecordsOptions(), CommonOptions.Json());
        var (runId, agentId) = (StatusCommand.RunId(), StatusCommand.AgentId());
        var command = new Command(
            "cancel",
            "Cancels a training run: a pending one at once, a running one at its next step. Example: lightning cancel --run-id ID"
        )
        {
            runId,
            agentId,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var id = await opened.Ids.WholeAsync(RecordKind.TrainingRun, parsed.GetValue(runId)!, cancellationToken);
                if (parsed.GetValue(agentId) is { } agent)
                {
                    CheckAgent(await opened.Training.GetAsync(id, cancellationToken), agent);
                }

                var run = await opened.Training.CancelAsync(id, cancellationToken);
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(run);
                    return ExitCodes.Success;
                }

                RunTable.Write(run, []);
                return ExitCodes.Success;
            }
        );
        return command;
    }

    /// <summary>Another agent's run is as if there were none.</summary>
    internal static void CheckAgent(TrainingRunResponse run, string? agentId)
    {
        if (agentId is not null && run.AgentId != agentId)
        {
            throw LightningException.NotFound($"Training run {run.Id} of agent '{agentId}' not found.");
        }
    }
}
