using AgentLightning.Access;

namespace AgentLightning.Deployments;

/// <summary>What serves an agent.</summary>
/// <param name="Release">Null when the base model does.</param>
public sealed record ActiveRelease(string AgentId, Deployment? Release);

/// <summary>Tells what serves an agent now.</summary>
public sealed class GetActiveDeployment(IDeploymentStore deployments) : IOperation
{
    /// <summary>The active release. Asks for the role read.</summary>
    /// <param name="agentId">The agent; the usual one of the scope by default.</param>
    /// <param name="slot">The slot that is meant.</param>
    public async Task<ActiveRelease> ExecuteAsync(Scope scope, string? agentId, string slot, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        var agent = scope.Agent(agentId, Scope.DefaultAgent);
        return new ActiveRelease(
            agent,
            await deployments.FindActiveAsync(agent, Deployment.CheckSlot(slot), cancellationToken).ConfigureAwait(false)
        );
    }
}
