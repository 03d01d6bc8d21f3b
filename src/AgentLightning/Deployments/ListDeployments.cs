using AgentLightning.Access;
using AgentLightning.Common;

namespace AgentLightning.Deployments;

/// <summary>The releases of an agent.</summary>
/// <param name="AgentId">Whose they are.</param>
/// <param name="Releases">Newest first.</param>
public sealed record DeploymentList(string AgentId, IReadOnlyList<Deployment> Releases);

/// <summary>Lists an agent's releases.</summary>
public sealed class ListDeployments(IDeploymentStore deployments) : IOperation
{
    /// <summary>The newest releases, newest first. Asks for the role read.</summary>
    /// <param name="agentId">The agent; the usual one of the scope by default.</param>
    /// <param name="limit">1…1,000.</param>
    /// <param name="slot">Only those of this slot; null for all.</param>
    /// <param name="before">Where the page before ended.</param>
    public async Task<DeploymentList> ExecuteAsync(
        Scope scope,
        string? agentId,
        string? slot,
        int limit,
        string? before,
        CancellationToken cancellationToken
    )
    {
        scope.Require(Role.Read);
        if (limit is < 1 or > 1_000)
        {
            throw LightningException.Invalid($"limit must be from 1 to 1000, but it is {limit}.");
        }

        var agent = scope.Agent(agentId, Scope.DefaultAgent);
        return new DeploymentList(agent, await deployments.ListAsync(agent, slot, limit, before, cancellationToken).ConfigureAwait(false));
    }
}
