using AgentLightning.Access;
using AgentLightning.Audit;
using AgentLightning.Common;
using AgentLightning.Evaluation;
using AgentLightning.Governance;
using AgentLightning.Storage;
using AgentLightning.Training;

namespace AgentLightning.Deployments;

/// <summary>A run to release.</summary>
/// <param name="AgentId">Whose run it is; the usual agent of the scope by default.</param>
/// <param name="RunId">The training run whose model is to serve; required.</param>
/// <param name="PromotedBy">Who releases it, for the record; who asks by default.</param>
/// <param name="Force">Releases it although the gate has not passed it; the record says so.</param>
/// <param name="ForceReason">Why it is forced, for the record.</param>
/// <param name="ExpectedActiveId">Only if this release is still the active one; null for whichever is.</param>
/// <param name="ExperimentId">The experiment that it won.</param>
public sealed record PromoteRequest(
    string? AgentId,
    string? RunId,
    string? PromotedBy = null,
    bool Force = false,
    string Slot = Deployment.DefaultSlot,
    string? ForceReason = null,
    string? ExpectedActiveId = null,
    string? ExperimentId = null
);

/// <summary>Releases the model of a training run. It is one transaction that leaves a record.</summary>
public sealed class Promote : IOperation
{
    private readonly IDeploymentStore _deployments;
    private readonly PromotionCheck _check;
    private readonly ReleaseWriter _releases;
    private readonly Redactor _redactor;

    public Promote(
        IDeploymentStore deployments,
        ITrainingRunStore runs,
        IEvaluationStore evaluations,
        IArtifactStore artifacts,
        AuditTrail audit,
        Redactor redactor,
        TimeProvider time
    )
    {
        (_deployments, _redactor) = (deployments, redactor);
        _check = new PromotionCheck(runs, evaluations, artifacts);
        _releases = new ReleaseWriter(deployments, audit, redactor, time);
    }

    /// <summary>
    /// Releases the model of a succeeded run of the agent whose latest evaluation passed the gate against what serves now;
    /// <see cref="PromoteRequest.Force"/> skips the gate. The model's content is read and checked first. Asks for the role admin. A run of
    /// another agent is <see cref="ErrorKind.NotFound"/>; a broken promise is <see cref="ErrorKind.Conflict"/>, and the active release
    /// stays.
    /// </summary>
    public async Task<Deployment> ExecuteAsync(Scope scope, PromoteRequest request, CancellationToken cancellationToken)
    {
        scope.Require(Role.Admin);
        var agentId = scope.Agent(request.AgentId, Scope.DefaultAgent);
        var runId = Ids.Check(request.RunId, "run_id");
        var active = await _deployments
            .FindActiveAsync(agentId, Deployment.CheckSlot(request.Slot), cancellationToken)
            .ConfigureAwait(false);
        if (request.ExpectedActiveId is not null && active?.Id != request.ExpectedActiveId)
        {
            throw LightningException.Conflict($"Release {request.ExpectedActiveId} is no longer active; {active?.Id ?? "none"} is.");
        }

        var (run, evaluation, objection) = await _check
            .ExecuteAsync(agentId, runId, active, request.Force, cancellationToken)
            .ConfigureAwait(false);
        var release = _releases.New(
            agentId,
            request.Slot,
            run.Id,
            evaluation?.Id,
            run.TunedModelName!,
            run.Artifact,
            request.PromotedBy ?? scope.Actor
        ) with
        {
            Forced = objection is not null,
            ForceReason = objection is null || request.ForceReason is null ? null : _redactor.Redact(request.ForceReason, agentId),
            ExperimentId = request.ExperimentId,
        };
        return await _releases.ActivateAsync(scope, release, active?.Id, AuditAction.Promoted, cancellationToken).ConfigureAwait(false);
    }
}
