using AgentLightning.Access;
using AgentLightning.Audit;
using AgentLightning.Common;
using AgentLightning.Governance;

namespace AgentLightning.Deployments;

/// <summary>A model that no run made.</summary>
/// <param name="AgentId">Whose it is to be; the usual agent of the scope by default.</param>
/// <param name="Model">Its name.</param>
/// <param name="Artifact">Its content; null for what is built in.</param>
/// <param name="PromotedBy">Who releases it, for the record; who asks by default.</param>
public sealed record PromoteBaseRequest(
    string? AgentId,
    string Model,
    string? Artifact = null,
    string? PromotedBy = null,
    string Slot = Deployment.DefaultSlot
);

/// <summary>Releases a built-in policy, as the state to come back to.</summary>
public sealed class PromoteBase : IOperation
{
    private readonly IDeploymentStore _deployments;
    private readonly ReleaseWriter _releases;
    private readonly Redactor _redactor;

    public PromoteBase(IDeploymentStore deployments, AuditTrail audit, Redactor redactor, TimeProvider time)
    {
        (_deployments, _redactor) = (deployments, redactor);
        _releases = new ReleaseWriter(deployments, audit, redactor, time);
    }

    /// <summary>Releases it without a gate. Asks for the role admin.</summary>
    public async Task<Deployment> ExecuteAsync(Scope scope, PromoteBaseRequest request, CancellationToken cancellationToken)
    {
        scope.Require(Role.Admin);
        var agentId = scope.Agent(request.AgentId, Scope.DefaultAgent);
        _redactor.CheckName(Ids.CheckName(request.Model, "model"), "model");
        if (string.IsNullOrWhiteSpace(request.Model))
        {
            throw LightningException.Invalid("model must be the name of a model, but it is blank.");
        }

        var active = await _deployments
            .FindActiveAsync(agentId, Deployment.CheckSlot(request.Slot), cancellationToken)
            .ConfigureAwait(false);
        var release = _releases.New(agentId, request.Slot, null, null, request.Model, request.Artifact, request.PromotedBy ?? scope.Actor);
        return await _releases.ActivateAsync(scope, release, active?.Id, AuditAction.Promoted, cancellationToken).ConfigureAwait(false);
    }
}
