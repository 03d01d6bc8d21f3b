using System.CommandLine;
using AgentLightning.Cli.Output;
using AgentLightning.Cli.Records;
using AgentLightning.Server.Deployments;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning deactivate</c>: takes the active release off.</summary>
internal static class DeactivateCommand
{
    public static Command Create()
    {
        var (records, agentId, json) = (new RecordsOptions(), CommonOptions.AgentId(), CommonOptions.Json());
        var reason = new Option<string?>("--reason") { Description = "Why, for the record." };
        var slot = CommonOptions.Slot();
        var command = new Command(
            "deactivate",
            "Takes the active release off, so that the base model answers. Example: lightning deactivate --reason \"back to the start\""
        )
        {
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
                var left = await opened.Releases.DeactivateAsync(
                    new DeactivateBody(parsed.GetValue(agentId), parsed.GetValue(reason), parsed.GetValue(slot)),
                    cancellationToken
                );
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(left);
                }
                else
                {
                    Terminal.Out.WriteLine(left.Message + (left.DeploymentId is null ? "" : $" Left: release {left.DeploymentId}."));
                    Terminal.Next("lightning promote --run-id ID releases a model again");
                }

                return ExitCodes.Success;
            }
        );
        return command;
    }
}
