using AgentLightning.Server.Deployments;

namespace AgentLightning.Cli.Records.Deployments;

/// <summary>What serves, and why.</summary>
internal interface IReleaseRecords
{
    /// <summary>The release that serves now.</summary>
    Task<DeploymentItem> PromoteAsync(PromoteBody run, CancellationToken cancellationToken);

    /// <summary>The release that serves again.</summary>
    Task<DeploymentItem> RollbackAsync(RollbackBody release, CancellationToken cancellationToken);

    Task<DeactivateResponse> DeactivateAsync(DeactivateBody release, CancellationToken cancellationToken);

    Task<DeploymentListResponse> ListAsync(string agentId, string? slot, int limit, CancellationToken cancellationToken);

    Task<LineageResponse> LineageAsync(string agentId, CancellationToken cancellationToken);
}
