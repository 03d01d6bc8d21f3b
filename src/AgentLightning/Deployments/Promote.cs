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
public sealed record PromoteRequest(
    string? AgentId,
    string? RunId,
    string? PromotedBy = null,
    bool Force = false,
    string Slot = Deployment.DefaultSlot
);

/// <summary>Releases the model of a training run. It is one transaction that leaves a record.</summary>
public sealed class Promote : IOperation
{
    private readonly IDeploymentStore _deployments;
    private readonly ITrainingRunStore _runs;
    private readonly IEvaluationStore _evaluations;
    private readonly IArtifactStore _artifacts;
    private readonly ReleaseWriter _releases;

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
        (_deployments, _runs, _evaluations, _artifacts) = (deployments, runs, evaluations, artifacts);
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
        var active = await _deployments.FindActiveAsync(agentId, request.Slot, cancellationToken).ConfigureAwait(false);
        var run = await _runs.FindAsync(runId, cancellationToken).ConfigureAwait(false);
        if (run is null || run.AgentId != agentId)
        {
            throw LightningException.NotFound($"Training run {runId} of agent '{agentId}' not found.");
        }

        if (run.Status != TrainingStatus.Succeeded || run.TunedModelName is null || run.Artifact is null)
        {
            throw LightningException.Conflict(
                $"Training run {runId} is {EnumText.Of(run.Status)}; only the model of a succeeded run can be promoted."
            );
        }

        if (active?.Artifact == run.Artifact)
        {
            throw LightningException.Conflict($"The model of training run {runId} is already active, as release {active.Id}.");
        }

        var evaluation = await _evaluations.FindLatestAsync(runId, cancellationToken).ConfigureAwait(false);
        var objection = Objection(evaluation, active);
        if (objection is not null && !request.Force)
        {
            throw LightningException.Conflict(
                $"The gate has not passed training run {runId}: {objection}. The active release stays; force the promotion to release it "
                    + "all the same, which the record says."
            );
        }

        await _artifacts.CheckAsync(run.Artifact, cancellationToken).ConfigureAwait(false);
        var release = _releases.New(
            agentId,
            request.Slot,
            run.Id,
            evaluation?.Id,
            run.TunedModelName,
            run.Artifact,
            request.PromotedBy ?? scope.Actor
        ) with
        {
            Forced = objection is not null,
        };
        return await _releases.ActivateAsync(scope, release, active?.Id, AuditAction.Promoted, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Why an evaluation is no evidence for this promotion; null when it is.</summary>
    private static string? Objection(EvaluationRecord? evaluation, Deployment? active)
    {
        if (evaluation is null)
        {
            return "it was never evaluated";
        }

        if (!evaluation.Verdict.Passed)
        {
            return evaluation.Verdict.Reason;
        }

        // What it was better than must be what it would replace.
        var stale = active is null ? evaluation.BaselineDeploymentId is not null : evaluation.BaselineModel != active.TunedModelName;
        return stale
            ? $"it was compared with '{evaluation.BaselineModel}', but '{active?.TunedModelName ?? "the base model"}' serves now"
            : null;
    }
}
