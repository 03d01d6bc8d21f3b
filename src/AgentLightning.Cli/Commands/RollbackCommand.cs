using System.CommandLine;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Cli.Records.Lookup;
using AgentLightning.Lookup;
using AgentLightning.Server.Deployments;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning rollback</c>: leaves the active release for the last good one.</summary>
internal static class RollbackCommand
{
    public static Command Create()
    {
        var (records, agentId, json) = (new RecordsOptions(), CommonOptions.AgentId(), CommonOptions.Json());
        var target = new Option<string?>("--target-id") { Description = "A former release to go back to, instead of the last good one." };
        var reason = new Option<string>("--reason") { Description = "Why, for the record.", DefaultValueFactory = _ => "requested" };
        var by = new Option<string>("--rolled-back-by") { Description = "Who, for the record.", DefaultValueFactory = _ => "cli" };
        var slot = CommonOptions.Slot();
        var command = new Command("rollback", "Goes back to the last good release. Example: lightning rollback --reason \"worse answers\"")
        {
            target,
            reason,
            by,
            agentId,
            slot,
        };
        records.AddTo(command);
        command.Add(json);
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var opened = await records.OpenAsync(parsed, cancellationToken);
                var release = await opened.Releases.RollbackAsync(
                    new RollbackBody(
                        parsed.GetValue(agentId),
                        await opened.Ids.WholeOrNoneAsync(RecordKind.Deployment, parsed.GetValue(target), cancellationToken),
                        parsed.GetValue(reason),
                        parsed.GetValue(by),
                        parsed.GetValue(slot)
                    ),
                    cancellationToken
                );
                ReleaseTable.Write(release, parsed.GetValue(json), "serves again", "lightning lineage");
                return ExitCodes.Success;
            }
        );
        return command;
    }
}
