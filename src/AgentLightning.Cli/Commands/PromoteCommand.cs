using System.CommandLine;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Cli.Records.Lookup;
using AgentLightning.Lookup;
using AgentLightning.Server.Deployments;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning promote</c>: releases the model of a training run.</summary>
internal static class PromoteCommand
{
    public static Command Create()
    {
        var (records, agentId, json) = (new RecordsOptions(), CommonOptions.AgentId(), CommonOptions.Json());
        var runId = new Option<string?>("--run-id") { Description = "The training run whose model is to serve." };
        var model = new Option<string?>("--model")
        {
            Description = "Instead of a run, a model by its name: what an agent begins with. No gate is asked for it.",
        };
        var reason = new Option<string?>("--reason") { Description = "Why it is forced, for the record." };
        var slot = CommonOptions.Slot();
        var promotedBy = new Option<string>("--promoted-by")
        {
            Description = "Who releases it, for the record.",
            DefaultValueFactory = _ => "cli",
        };
        var force = new Option<bool>("--force") { Description = "Release it although the gate has not passed it; the record says so." };
        var command = new Command(
            "promote",
            "Releases the model of a training run that passed the gate. Example: lightning promote --run-id ID"
        )
        {
            runId,
            model,
            promotedBy,
            force,
            reason,
            slot,
            agentId,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(runId) is null && result.GetResult(model) is null)
            {
                result.AddError("Option '--run-id' is required, or '--model' for a model that no run made.");
            }
        });
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var release = await opened.Releases.PromoteAsync(
                    new PromoteBody(
                        parsed.GetValue(agentId),
                        await opened.Ids.WholeOrNoneAsync(RecordKind.TrainingRun, parsed.GetValue(runId), cancellationToken),
                        parsed.GetValue(promotedBy),
                        parsed.GetValue(force),
                        parsed.GetValue(reason),
                        parsed.GetValue(slot),
                        parsed.GetValue(model)
                    ),
                    cancellationToken
                );
                ReleaseTable.Write(
                    release,
                    parsed.GetValue(json),
                    "serves now",
                    "lightning list-deployments; lightning rollback takes it back"
                );
                return ExitCodes.Success;
            }
        );
        return command;
    }
}
