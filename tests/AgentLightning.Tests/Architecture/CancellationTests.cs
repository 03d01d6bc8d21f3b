using System.Text.RegularExpressions;
using AgentLightning.Testing;

namespace AgentLightning.Tests.Architecture;

/// <summary>The token comes last, so that a caller sees at once whether it was passed on.</summary>
public sealed partial class CancellationTests
{
    /// <summary>
    /// Where something stands behind it still: to be emptied, and never to grow. Arguments of a query are one case, defaults of a slot the
    /// other.
    /// </summary>
    private static readonly string[] s_left =
    [
        "AgentLightning.Models/Loops/RunFolder.cs",
        "AgentLightning.Server/Audit/AuditEndpoints.cs",
        "AgentLightning.Server/Capture/CaptureEndpoints.cs",
        "AgentLightning.Server/Deployments/DeploymentsEndpoints.cs",
        "AgentLightning.Server/Episodes/EpisodesEndpoints.cs",
        "AgentLightning.Server/Feedback/ChatAdminEndpoints.cs",
        "AgentLightning.Server/Feedback/FeedbackEndpoints.cs",
        "AgentLightning.Server/Monitoring/MonitoringEndpoints.cs",
        "AgentLightning.Server/Rewards/RewardsEndpoints.cs",
        "AgentLightning.Server/Stats/StatsEndpoints.cs",
        "AgentLightning/Deployments/DeploymentService.cs",
        "AgentLightning/Episodes/SqlEpisodeStore.cs",
    ];

    [Fact]
    public void The_cancellation_token_is_the_last_parameter()
    {
        var source = Path.Combine(Repository.Root, "src");
        var early =
            from file in Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories)
            where TokenBeforeAnother().IsMatch(File.ReadAllText(file))
            select Path.GetRelativePath(source, file).Replace('\\', '/');

        Assert.Empty(early.Except(s_left));
    }

    /// <summary>A parameter list of its own behind it can only be the last.</summary>
    [GeneratedRegex(@"[(,]\s*(?:\[EnumeratorCancellation\] )?CancellationToken \w+(?: = default)?,(?!\s*params )")]
    private static partial Regex TokenBeforeAnother();
}
