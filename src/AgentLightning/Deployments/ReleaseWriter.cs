using AgentLightning.Access;
using AgentLightning.Audit;
using AgentLightning.Common;
using AgentLightning.Governance;
using AgentLightning.Storage;

namespace AgentLightning.Deployments;

/// <summary>Makes and stores release records, and writes each into the audit log: what promotions and rollbacks share.</summary>
internal sealed class ReleaseWriter(IDeploymentStore deployments, AuditTrail audit, Redactor redactor, TimeProvider time)
{
    /// <summary>A release that is not stored yet.</summary>
    public Deployment New(string agentId, string slot, string? runId, string? evaluationId, string model, string? artifact, string by)
    {
        var now = time.GetUtcNow().Rounded();
        return new Deployment(
            Ids.New(now),
            agentId,
            slot,
            0,
            runId,
            evaluationId,
            model,
            artifact,
            true,
            false,
            null,
            now,
            redactor.Redact(by, agentId),
            null,
            null
        );
    }

    /// <summary>Puts a release in the place of the active one, which must still be the one that is expected.</summary>
    public async Task<Deployment> ActivateAsync(
        Scope scope,
        Deployment release,
        string? expectedActiveId,
        AuditAction action,
        CancellationToken cancellationToken
    )
    {
        var active = await deployments.ActivateAsync(release, expectedActiveId, cancellationToken).ConfigureAwait(false);
        await RecordAsync(scope, active, action).ConfigureAwait(false);
        return active;
    }

    /// <summary>Writes what became of a release into the audit log.</summary>
    public Task RecordAsync(Scope scope, Deployment active, AuditAction action)
    {
        var detail = new Dictionary<string, string>
        {
            ["slot"] = active.Slot,
            ["model"] = active.TunedModelName,
            ["by"] = active.PromotedBy,
        };
        if (active.Forced)
        {
            detail["forced"] = "true";
        }

        if (active.ExperimentId is not null)
        {
            detail["experiment"] = active.ExperimentId;
        }

        if ((active.DeactivationReason ?? active.RollbackReason ?? active.ForceReason) is { } reason)
        {
            detail["reason"] = reason;
        }

        return audit.RecordAsync(action, active.Id, active.AgentId, scope.Actor, detail);
    }
}
