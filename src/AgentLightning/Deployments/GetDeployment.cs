using AgentLightning.Access;
using AgentLightning.Common;

namespace AgentLightning.Deployments;

/// <summary>Looks one release up.</summary>
public sealed class GetDeployment(IDeploymentStore deployments) : IOperation
{
    /// <summary>
    /// The release. Asks for the role read. One that does not exist, or is another agent's, is <see cref="ErrorKind.NotFound"/>.
    /// </summary>
    public async Task<Deployment> ExecuteAsync(Scope scope, string id, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        return scope.Visible(await deployments.FindAsync(Ids.Check(id, "id"), cancellationToken).ConfigureAwait(false), release =>
            release.AgentId
        ) ?? throw LightningException.NotFound($"Release {id} not found.");
    }
}
