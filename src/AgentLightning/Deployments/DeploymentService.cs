using AgentLightning.Audit;
using AgentLightning.Common;
using AgentLightning.Evaluation;
using AgentLightning.Governance;
using AgentLightning.Storage;
using AgentLightning.Training;

namespace AgentLightning.Deployments;

/// <summary>Releases models and takes releases back. Every change is one transaction that leaves a record.</summary>
public sealed class DeploymentService(
    IDeploymentStore deployments,
    ITrainingRunStore runs,
    IEvaluationStore evaluations,
    IArtifactStore artifacts,
    AuditTrail audit,
    Redactor redactor,
    TimeProvider time
)
{
    private const int LongestHistory = 1_000;

    /// <summary>
    /// Releases the model of a succeeded run whose latest evaluation passed the gate against what serves now; <paramref name="force"/>
    /// skips the gate, and the record says so. The model's content is read and checked first. A broken promise is
    /// <see cref="ErrorKind.Conflict"/>, and the active release stays.
    /// </summary>
    public async Task<Deployment> PromoteAsync(
        string agentId,
        string runId,
        string promotedBy,
        bool force,
        CancellationToken cancellationToken,
        string slot = Deployment.DefaultSlot
    )
    {
        var active = await deployments.FindActiveAsync(agentId, slot, cancellationToken).ConfigureAwait(false);
        var run = await runs.FindAsync(runId, cancellationToken).ConfigureAwait(false);
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

        var evaluation = await evaluations.FindLatestAsync(runId, cancellationToken).ConfigureAwait(false);
        var objection = Objection(evaluation, active);
        if (objection is not null && !force)
        {
            throw LightningException.Conflict(
                $"The gate has not passed training run {runId}: {objection}. Force the promotion if it is to serve all the same; the "
                    + $"record says so."
            );
        }

        await artifacts.CheckAsync(run.Artifact, cancellationToken).ConfigureAwait(false);
        var release = NewRelease(agentId, slot, run.Id, evaluation?.Id, run.TunedModelName, run.Artifact, promotedBy) with
        {
            Forced = objection is not null,
        };
        return await ActivateAsync(release, active?.Id, AuditAction.Promoted, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Releases a model that no run made: a built-in policy, as the state to come back to.</summary>
    public async Task<Deployment> PromoteBaseAsync(
        string agentId,
        string model,
        string? artifact,
        string promotedBy,
        CancellationToken cancellationToken,
        string slot = Deployment.DefaultSlot
    )
    {
        var active = await deployments.FindActiveAsync(agentId, slot, cancellationToken).ConfigureAwait(false);
        return await ActivateAsync(
                NewRelease(agentId, slot, null, null, model, artifact, promotedBy),
                active?.Id,
                AuditAction.Promoted,
                cancellationToken
            )
            .ConfigureAwait(false);
    }

    /// <summary>
    /// Makes the last good release active again, as a new record: the newest before the active one with another model that was not itself
    /// rolled back from since. Without one it is <see cref="ErrorKind.Conflict"/>, and the active release stays.
    /// </summary>
    /// <param name="targetId">A release to go back to instead.</param>
    /// <param name="expectedActiveId">Only if this release is still the active one; null for whichever is.</param>
    public async Task<Deployment> RollbackAsync(
        string agentId,
        string reason,
        string rolledBackBy,
        CancellationToken cancellationToken,
        string? targetId = null,
        string? expectedActiveId = null,
        string slot = Deployment.DefaultSlot
    )
    {
        var history = await deployments.ListAsync(agentId, slot, LongestHistory, cancellationToken).ConfigureAwait(false);
        var active = history.FirstOrDefault(release => release.IsActive)
            ?? throw LightningException.Conflict($"Agent '{agentId}' has no active release to roll back from; the base model serves.");
        if (expectedActiveId is not null && active.Id != expectedActiveId)
        {
            throw LightningException.Conflict($"Release {expectedActiveId} is no longer active; {active.Id} is.");
        }

        var target = targetId is null
            ? LastGood(history, active) ?? throw LightningException.Conflict("No previous deployment to roll back to")
            : history.FirstOrDefault(release => release.Id == targetId && !release.IsActive)
                ?? throw LightningException.NotFound($"Release {targetId} of agent '{agentId}' not found among its former releases.");
        if (target.Artifact is not null)
        {
            await artifacts.CheckAsync(target.Artifact, cancellationToken).ConfigureAwait(false);
        }

        var release = NewRelease(
            agentId,
            slot,
            target.TrainingRunId,
            target.EvaluationId,
            target.TunedModelName,
            target.Artifact,
            rolledBackBy
        ) with
        {
            RollbackFrom = active.Id,
            RollbackReason = redactor.Redact(reason, agentId),
            Forced = target.Forced,
        };
        return await ActivateAsync(release, active.Id, AuditAction.RolledBack, cancellationToken).ConfigureAwait(false);
    }

    private async Task<Deployment> ActivateAsync(
        Deployment release,
        string? expectedActiveId,
        AuditAction action,
        CancellationToken cancellationToken
    )
    {
        var active = await deployments.ActivateAsync(release, expectedActiveId, cancellationToken).ConfigureAwait(false);
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

        if (active.RollbackReason is not null)
        {
            detail["reason"] = active.RollbackReason;
        }

        await audit.RecordAsync(action, active.Id, active.AgentId, active.PromotedBy, detail).ConfigureAwait(false);
        return active;
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

    private static Deployment? LastGood(IReadOnlyList<Deployment> history, Deployment active)
    {
        var byId = history.ToDictionary(release => release.Id);
        var left = history
            .Where(release => release.RollbackFrom is not null && byId.ContainsKey(release.RollbackFrom))
            .Select(release => byId[release.RollbackFrom!])
            .ToList();
        return history
            .Where(release => release.Number < active.Number && !SameModel(release, active))
            .Where(release => !left.Exists(bad => SameModel(bad, release) && bad.Number >= release.Number))
            .MaxBy(release => release.Number);

        static bool SameModel(Deployment a, Deployment b) => a.TunedModelName == b.TunedModelName && a.Artifact == b.Artifact;
    }

    private Deployment NewRelease(
        string agentId,
        string slot,
        string? runId,
        string? evaluationId,
        string model,
        string? artifact,
        string by
    )
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
}
