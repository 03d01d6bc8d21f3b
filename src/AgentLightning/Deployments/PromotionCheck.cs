using AgentLightning.Common;
using AgentLightning.Evaluation;
using AgentLightning.Storage;
using AgentLightning.Training;

namespace AgentLightning.Deployments;

/// <summary>What must hold of a run before users get its answers: what promotions and experiments share.</summary>
internal sealed class PromotionCheck(ITrainingRunStore runs, IEvaluationStore evaluations, IArtifactStore artifacts)
{
    /// <summary>
    /// The run, its evaluation and, where it is forced, what speaks against it. Otherwise an objection is
    /// <see cref="ErrorKind.Conflict"/>. The content is read and checked.
    /// </summary>
    /// <param name="active">What it would replace.</param>
    public async Task<(TrainingRun Run, EvaluationRecord? Evaluation, string? Objection)> ExecuteAsync(
        string agentId,
        string runId,
        Deployment? active,
        bool force,
        CancellationToken cancellationToken
    )
    {
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
                $"The gate has not passed training run {runId}: {objection}. The active release stays. Evaluate it with 'lightning "
                    + $"evaluate --run-id {runId}', or force the promotion to release it all the same, which the record says."
            );
        }

        await artifacts.CheckAsync(run.Artifact, cancellationToken).ConfigureAwait(false);
        return (run, evaluation, objection);
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
