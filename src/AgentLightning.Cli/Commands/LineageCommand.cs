using System.CommandLine;
using System.Globalization;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning lineage</c>: why what serves serves.</summary>
internal static class LineageCommand
{
    public static Command Create()
    {
        var (records, agentId, json) = (new RecordsOptions(), CommonOptions.AgentId(), CommonOptions.Json());
        var command = new Command(
            "lineage",
            "Shows each release with its run, data set and evaluation, newest first. Example: lightning lineage --store "
                + "lightning-demo/lightning.db"
        )
        {
            agentId,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var lineage = await opened.Releases.LineageAsync(parsed.GetValue(agentId)!, cancellationToken);
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(lineage);
                    return ExitCodes.Success;
                }

                var table = new RecordTable(
                    new("", ColumnKind.Fixed),
                    new("release", ColumnKind.Id, Spare: 2),
                    new("model"),
                    new("run", ColumnKind.Id),
                    new("promoted", ColumnKind.Fixed, Spare: 4),
                    new("by", Spare: 3),
                    new("evidence", Spare: 1),
                    new("why")
                );
                foreach (var entry in lineage.Lineage)
                {
                    table.Add(
                        entry.IsActive ? "active" : "",
                        entry.DeploymentId,
                        entry.TunedModel,
                        entry.TrainingRun?.Id,
                        entry.PromotedAt.ToString("u", CultureInfo.InvariantCulture),
                        entry.PromotedBy,
                        entry.Evaluation is { } e
                            ? string.Create(
                                CultureInfo.InvariantCulture,
                                $"{e.Baseline:0.000} → {e.Candidate:0.000}, gate {(e.Passed ? "passed" : "not passed")}"
                            )
                            : "none",
                        entry.RollbackReason is { } reason ? $"rollback: {reason}"
                            : entry.Forced ? "forced"
                            : entry.TrainingRun is null ? "built in"
                            : "gate"
                    );
                }

                table.Write();
                return ExitCodes.Success;
            }
        );
        return command;
    }
}
