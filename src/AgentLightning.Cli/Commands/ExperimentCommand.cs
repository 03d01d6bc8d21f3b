using System.CommandLine;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Cli.Records.Lookup;
using AgentLightning.Common;
using AgentLightning.Experiments;
using AgentLightning.Lookup;
using AgentLightning.Server.Experiments;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning experiment</c>: splits traffic between releases.</summary>
internal static class ExperimentCommand
{
    public static Command Create() =>
        new("experiment", "Tries models on a part of the sessions: start, status, step, stop, list.")
        {
            ExperimentStartCommand.Create(),
            Status(),
            Step(),
            Stop(),
            List(),
        };

    private static Command Status()
    {
        var (records, agentId, json, slot) = (new RecordsOptions(), CommonOptions.AgentId(), CommonOptions.Json(), CommonOptions.Slot());
        var id = Id();
        var command = new Command(
            "status",
            "Shows an experiment with its figures and what its rules say of them. Example: lightning experiment status"
        )
        {
            id,
            agentId,
            slot,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var status = await opened.Experiments.StatusAsync(
                    parsed.GetValue(agentId)!,
                    await opened.Ids.WholeOrNoneAsync(RecordKind.Experiment, parsed.GetValue(id), cancellationToken),
                    parsed.GetValue(slot)!,
                    cancellationToken
                );
                ExperimentTable.Write(status, parsed.GetValue(json));
                return ExitCodes.Success;
            }
        );
        return command;
    }

    private static Command Step()
    {
        var (records, agentId, json, slot) = (new RecordsOptions(), CommonOptions.AgentId(), CommonOptions.Json(), CommonOptions.Slot());
        var (id, reason) = (Id(), Reason());
        var percent = new Option<double>("--split")
        {
            Description = "What the candidates get together of the sessions, in percent, above 0 and below 100.",
            Required = true,
        };
        var command = new Command(
            "step",
            "Gives the candidates another share of the sessions. Example: lightning experiment step --split 50"
        )
        {
            percent,
            id,
            reason,
            agentId,
            slot,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var experiment = await opened.Experiments.StepAsync(
                    new StepExperimentBody(
                        parsed.GetValue(agentId),
                        parsed.GetValue(percent),
                        await opened.Ids.WholeOrNoneAsync(RecordKind.Experiment, parsed.GetValue(id), cancellationToken),
                        parsed.GetValue(reason),
                        parsed.GetValue(slot)
                    ),
                    cancellationToken
                );
                ExperimentTable.Write(experiment, parsed.GetValue(json));
                return ExitCodes.Success;
            }
        );
        return command;
    }

    private static Command Stop()
    {
        var (records, agentId, json, slot) = (new RecordsOptions(), CommonOptions.AgentId(), CommonOptions.Json(), CommonOptions.Slot());
        var (id, reason) = (Id(), Reason());
        var promote = new Option<string?>("--promote")
        {
            Description = "A candidate that is to serve everybody, for example candidate; without it what served before does.",
        };
        var command = new Command("stop", "Ends an experiment by hand. Example: lightning experiment stop --reason \"not now\"")
        {
            promote,
            id,
            reason,
            agentId,
            slot,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var experiment = await opened.Experiments.StopAsync(
                    new StopExperimentBody(
                        parsed.GetValue(agentId),
                        await opened.Ids.WholeOrNoneAsync(RecordKind.Experiment, parsed.GetValue(id), cancellationToken),
                        parsed.GetValue(promote),
                        parsed.GetValue(reason),
                        parsed.GetValue(slot)
                    ),
                    cancellationToken
                );
                ExperimentTable.Write(experiment, parsed.GetValue(json));
                return ExitCodes.Success;
            }
        );
        return command;
    }

    private static Command List()
    {
        var (records, agentId, json) = (new RecordsOptions(), CommonOptions.AgentId(), CommonOptions.Json());
        var limit = new Option<int>("--limit") { Description = "Most experiments, 1 to 1000.", DefaultValueFactory = _ => 20 };
        var command = new Command("list", "Lists experiments, newest first. Example: lightning experiment list") { agentId, limit };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var list = await opened.Experiments.ListAsync(parsed.GetValue(agentId)!, parsed.GetValue(limit), cancellationToken);
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(list);
                    return ExitCodes.Success;
                }

                var table = new RecordTable(
                    new("experiment", ColumnKind.Id),
                    new("status", ColumnKind.Fixed),
                    new("slot", Spare: 2),
                    new("started", ColumnKind.Fixed, Spare: 1),
                    new("winner", Spare: 3),
                    new("why")
                );
                foreach (var experiment in list.Experiments)
                {
                    table.Add(
                        experiment.Id,
                        EnumText.Of(experiment.Status),
                        experiment.Slot,
                        experiment.StartedAt.ToString("u", System.Globalization.CultureInfo.InvariantCulture),
                        experiment.Winner,
                        experiment.Reason
                    );
                }

                table.Write();
                return ExitCodes.Success;
            }
        );
        return command;
    }

    private static Option<string?> Id() => new("--id") { Description = "The experiment; the one that runs by default." };

    private static Option<string?> Reason() => new("--reason") { Description = "Why, for the record." };
}
