using AgentLightning.Access;
using AgentLightning.Audit;
using AgentLightning.Common;
using AgentLightning.Governance;
using AgentLightning.Storage;

namespace AgentLightning.Deployments;

/// <summary>A release to take off.</summary>
/// <param name="AgentId">Whose release; the usual agent of the scope by default.</param>
/// <param name="Reason">Why, for the record.</param>
public sealed record DeactivateRequest(string? AgentId, string? Reason = null, string Slot = Deployment.DefaultSlot);

/// <summary>What serves after a release was taken off: the base model.</summary>
/// <param name="Release">What was taken off; null when nothing was active, which is no mistake.</param>
public sealed record Deactivated(string AgentId, Deployment? Release, string? Reason);

/// <summary>Goes back to the base model.</summary>
public sealed class Deactivate : IOperation
{
    private readonly IDeploymentStore _deployments;
    private readonly ReleaseWriter _releases;
    private readonly Redactor _redactor;
    private readonly TimeProvider _time;

    public Deactivate(IDeploymentStore deployments, AuditTrail audit, Redactor redactor, TimeProvider time)
    {
        (_deployments, _redactor, _time) = (deployments, redactor, time);
        _releases = new ReleaseWriter(deployments, audit, redactor, time);
    }

    /// <summary>Takes the active release off; an experiment on it ends with that. Asks for the role admin.</summary>
    public async Task<Deactivated> ExecuteAsync(Scope scope, DeactivateRequest request, CancellationToken cancellationToken)
    {
        scope.Require(Role.Admin);
        var agentId = scope.Agent(request.AgentId, Scope.DefaultAgent);
        var reason = request.Reason is null ? null : _redactor.Redact(request.Reason, agentId);
        var active = await _deployments
            .FindActiveAsync(agentId, Deployment.CheckSlot(request.Slot), cancellationToken)
            .ConfigureAwait(false);
        if (active is null)
        {
            return new Deactivated(agentId, null, reason);
        }

        var left = await _deployments.DeactivateAsync(active, reason, _time.GetUtcNow().Rounded(), cancellationToken).ConfigureAwait(false);
        await _releases.RecordAsync(scope, left, AuditAction.Deactivated).ConfigureAwait(false);
        return new Deactivated(agentId, left, reason);
    }
}
