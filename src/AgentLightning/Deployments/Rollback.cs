using AgentLightning.Access;
using AgentLightning.Audit;
using AgentLightning.Common;
using AgentLightning.Governance;
using AgentLightning.Storage;

namespace AgentLightning.Deployments;

/// <summary>A release to leave.</summary>
/// <param name="AgentId">Whose release; the usual agent of the scope by default.</param>
/// <param name="TargetId">A release to go back to, instead of the last good one.</param>
/// <param name="Reason">Why, for the record; <c>requested</c> by default.</param>
/// <param name="RolledBackBy">Who, for the record; who asks by default.</param>
/// <param name="ExpectedActiveId">Only if this release is still the active one; null for whichever is.</param>
public sealed record RollbackRequest(
    string? AgentId,
    string? TargetId = null,
    string? Reason = null,
    string? RolledBackBy = null,
    string? ExpectedActiveId = null,
    string Slot = Deployment.DefaultSlot
);

/// <summary>Takes a release back. It is one transaction that leaves a record.</summary>
public sealed class Rollback : IOperation
{
    private const int LongestHistory = 1_000;
    private readonly IDeploymentStore _deployments;
    private readonly IArtifactStore _artifacts;
    private readonly ReleaseWriter _releases;
    private readonly Redactor _redactor;

    public Rollback(IDeploymentStore deployments, IArtifactStore artifacts, AuditTrail audit, Redactor redactor, TimeProvider time)
    {
        (_deployments, _artifacts, _redactor) = (deployments, artifacts, redactor);
        _releases = new ReleaseWriter(deployments, audit, redactor, time);
    }

    /// <summary>
    /// Makes the last good release active again, as a new record: the newest before the active one with another model that was not itself
    /// rolled back from since. Asks for the role admin. Without one it is <see cref="ErrorKind.Conflict"/>, and the active release stays.
    /// </summary>
    public async Task<Deployment> ExecuteAsync(Scope scope, RollbackRequest request, CancellationToken cancellationToken)
    {
        scope.Require(Role.Admin);
        var agentId = scope.Agent(request.AgentId, Scope.DefaultAgent);
        var history = await _deployments.ListAsync(agentId, request.Slot, LongestHistory, cancellationToken).ConfigureAwait(false);
        var active = history.FirstOrDefault(release => release.IsActive)
            ?? throw LightningException.Conflict(
                $"Agent '{agentId}' has no active release to roll back from; the base model serves. "
                    + "Release a run with 'lightning promote --run-id ID'."
            );
        if (request.ExpectedActiveId is not null && active.Id != request.ExpectedActiveId)
        {
            throw LightningException.Conflict($"Release {request.ExpectedActiveId} is no longer active; {active.Id} is.");
        }

        var target = request.TargetId is null
            ? LastGood(history, active) ?? throw LightningException.Conflict("No previous deployment to roll back to")
            : history.FirstOrDefault(release => release.Id == request.TargetId && release is { IsActive: false, IsCandidate: false })
                ?? throw LightningException.NotFound(
                    $"Release {request.TargetId} of agent '{agentId}' not found among its former releases."
                );
        if (target.Artifact is not null)
        {
            await _artifacts.CheckAsync(target.Artifact, cancellationToken).ConfigureAwait(false);
        }

        var release = _releases.New(
            agentId,
            request.Slot,
            target.TrainingRunId,
            target.EvaluationId,
            target.TunedModelName,
            target.Artifact,
            request.RolledBackBy ?? scope.Actor
        ) with
        {
            RollbackFrom = active.Id,
            RollbackReason = _redactor.Redact(request.Reason ?? "requested", agentId),
            Forced = target.Forced,
        };
        return await _releases.ActivateAsync(scope, release, active.Id, AuditAction.RolledBack, cancellationToken).ConfigureAwait(false);
    }

    private static Deployment? LastGood(IReadOnlyList<Deployment> history, Deployment active)
    {
        var byId = history.ToDictionary(release => release.Id);
        var left = history
            .Where(release => release.RollbackFrom is not null && byId.ContainsKey(release.RollbackFrom))
            .Select(release => byId[release.RollbackFrom!])
            .ToList();
        return history
            .Where(release => release.Number < active.Number && !release.IsCandidate && !release.ServesAs(active))
            .Where(release => !left.Exists(bad => bad.ServesAs(release) && bad.Number >= release.Number))
            .MaxBy(release => release.Number);
    }
}
