using System.CommandLine;
using AgentLightning.Cli.Output;
using AgentLightning.Deployments;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning rollback</c>: leaves the active release for the last good one.</summary>
internal static class RollbackCommand
{
    public static Command Create()
    {
        var (store, agentId, json) = (CommonOptions.Store(), CommonOptions.AgentId(), CommonOptions.Json());
        var target = new Option<string?>("--target-id") { Description = "A former release to go back to, instead of the last good one." };
        var reason = new Option<string>("--reason") { Description = "Why, for the record.", DefaultValueFactory = _ => "requested" };
        var by = new Option<string>("--rolled-back-by") { Description = "Who, for the record.", DefaultValueFactory = _ => "cli" };
        var command = new Command("rollback", "Goes back to the last good release. Example: lightning rollback --reason \"worse answers\"")
        {
            target,
            reason,
            by,
            agentId,
            store,
            json,
        };
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                await using var workspace = await Workspace.OpenAsync(
                    new LightningOptions { Store = parsed.GetValue(store)! },
                    create: false,
                    cancellationToken
                );
                var release = await workspace
                    .Get<DeploymentService>()
                    .RollbackAsync(
                        parsed.GetValue(agentId)!,
                        parsed.GetValue(reason)!,
                        parsed.GetValue(by)!,
                        cancellationToken,
                        parsed.GetValue(target)
                    );
                ReleaseTable.Write(release, parsed.GetValue(json), "serves again");
                return ExitCodes.Success;
            }
        );
        return command;
    }
}
