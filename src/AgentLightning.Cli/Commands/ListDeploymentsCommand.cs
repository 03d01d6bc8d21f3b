using System.CommandLine;
using System.Globalization;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning list-deployments</c>: the releases of an agent.</summary>
internal static class ListDeploymentsCommand
{
    public static Command Create()
    {
        var (records, agentId, json) = (new RecordsOptions(), CommonOptions.AgentId(), CommonOptions.Json());
        var limit = new Option<int>("--limit") { Description = "Most releases, 1 to 1000.", DefaultValueFactory = _ => 20 };
        var slot = new Option<string?>("--deployment-name") { Description = "Only those of this slot; all by default." };
        var command = new Command(
            "list-deployments",
            "Lists releases, newest first. Example: lightning list-deployments --store lightning-demo/lightning.db"
        )
        {
            agentId,
            slot,
            limit,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var list = await opened.Releases.ListAsync(
                    parsed.GetValue(agentId)!,
                    parsed.GetValue(slot),
                    parsed.GetValue(limit),
                    cancellationToken
                );
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(list);
                    return ExitCodes.Success;
                }

                var table = new RecordTable(
                    new("", ColumnKind.Fixed),
                    new("release", ColumnKind.Id),
                    new("slot", Spare: 3),
                    new("model"),
                    new("run", ColumnKind.Id, Spare: 1),
                    new("promoted", ColumnKind.Fixed, Spare: 2),
                    new("by", Spare: 4),
                    new("why", Spare: 5)
                );
                foreach (var release in list.Deployments)
                {
                    table.Add(
                        release.IsActive ? "active"
                            : release.IsCandidate ? "candidate"
                            : "",
                        release.Id,
                        release.Slot,
                        release.TunedModelName,
                        release.TrainingRunId,
                        release.PromotedAt.ToString("u", CultureInfo.InvariantCulture),
                        release.PromotedBy,
                        release.DeactivationReason ?? release.RollbackReason ?? release.ForceReason ?? release.ExperimentId
                    );
                }

                table.Write();
                return ExitCodes.Success;
            }
        );
        return command;
    }
}
