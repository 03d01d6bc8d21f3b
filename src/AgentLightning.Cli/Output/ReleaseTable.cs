using AgentLightning.Server.Deployments;
using Spectre.Console;

namespace AgentLightning.Cli.Output;

/// <summary>Shows one release after it changed.</summary>
internal static class ReleaseTable
{
    public static void Write(DeploymentItem release, bool json, string what, string next)
    {
        if (json)
        {
            Terminal.WriteJson(release);
        }
        else
        {
            var forced = release.Forced ? ", forced past the gate" : "";
            Terminal.Results.MarkupLineInterpolated(
                $"[bold]{release.TunedModelName}[/] {what} for agent {release.AgentId}, as release {release.Number} ({release.Id}){forced}"
            );
            Terminal.Next(next);
        }
    }
}
