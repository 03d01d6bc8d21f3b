using AgentLightning.Access;

namespace AgentLightning.Deployments;

/// <summary>What serves an agent.</summary>
/// <param name="Release">Null when the base model does.</param>
public sealed record ActiveRelease(string AgentId, Deployment? Release);

/// <summary>Tells what serves an agent now.</summary>
public sealed class GetActiveDeployment(IDeploymentStore deployments)
{
    /// <summary>The active release of a slot. Asks for the role read.</summary>
    /// <param name="agentId">The agent; the usual one of the scope by default.</param>
    public async Task<ActiveRelease> ExecuteAsync(
        Scope scope,
        string? agentId,
        CancellationToken cancellationToken,
        string slot = Deployment.DefaultSlot
    )
    {
        scope.Require(Role.Read);
        var agent = scope.Agent(agentId, Scope.DefaultAgent);
        return new ActiveRelease(agent, await deployments.FindActiveAsync(agent, slot, cancellationToken).ConfigureAwait(false));
    }
}
