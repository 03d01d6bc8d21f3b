using AgentLightning.Access;
using AgentLightning.Audit;
using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Storage;

namespace AgentLightning.Experiments;

/// <summary>Changes and ends experiments, and writes it into the audit log: what people and the watch share.</summary>
internal sealed class ExperimentWriter(
    IExperimentStore experiments,
    IDeploymentStore deployments,
    Promote promote,
    AuditTrail audit,
    TimeProvider time
)
{
    /// <summary>Lets a candidate serve everybody, and ends the experiment with that.</summary>
    public async Task<Experiment> PromoteAsync(
        Scope scope,
        Experiment experiment,
        string variant,
        string reason,
        CancellationToken cancellationToken
    )
    {
        var candidate = experiment.Variants.Skip(1).FirstOrDefault(one => one.Name == variant)
            ?? throw LightningException.Invalid(
                $"Experiment {experiment.Id} has no candidate '{variant}'; it has "
                    + $"{string.Join(", ", experiment.Variants.Skip(1).Select(one => one.Name))}."
            );
        var release = await deployments.FindAsync(candidate.DeploymentId, cancellationToken).ConfigureAwait(false)
            ?? throw LightningException.NotFound($"Release {candidate.DeploymentId} of experiment {experiment.Id} not found.");
        // First the release, then the end: an experiment whose control no longer serves decides nothing, should this process end between.
        await promote
            .ExecuteAsync(
                scope,
                new PromoteRequest(
                    experiment.AgentId,
                    release.TrainingRunId,
                    Force: release.Forced,
                    Slot: experiment.Slot,
                    ForceReason: release.ForceReason,
                    ExpectedActiveId: experiment.Control.DeploymentId,
                    ExperimentId: experiment.Id
                ),
                cancellationToken
            )
            .ConfigureAwait(false);
        return await EndAsync(scope, experiment, ExperimentStatus.Promoted, reason, variant, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Ends it; what was active stays. One that another ended meanwhile is <see cref="ErrorKind.Conflict"/>.</summary>
    public async Task<Experiment> EndAsync(
        Scope scope,
        Experiment experiment,
        ExperimentStatus status,
        string reason,
        string? winner,
        CancellationToken cancellationToken
    )
    {
        var ended = experiment with
        {
            Status = status,
            Reason = reason,
            Winner = winner,
            EndedAt = time.GetUtcNow().Rounded(),
            EndedBy = scope.Actor,
        };
        if (!await experiments.TryEndAsync(ended, cancellationToken).ConfigureAwait(false))
        {
            throw LightningException.Conflict($"Experiment {experiment.Id} has ended already.");
        }

        await RecordAsync(scope, AuditAction.ExperimentEnded, ended, reason).ConfigureAwait(false);
        return ended;
    }

    /// <summary>Gives other shares. One that another changed meanwhile is <see cref="ErrorKind.Conflict"/>.</summary>
    public async Task<Experiment> ChangeSharesAsync(
        Scope scope,
        Experiment experiment,
        IReadOnlyDictionary<string, double> shares,
        string reason,
        CancellationToken cancellationToken
    )
    {
        var changed = experiment.WithShares(shares);
        if (!await experiments.TryChangeSharesAsync(changed, time.GetUtcNow().Rounded(), cancellationToken).ConfigureAwait(false))
        {
            throw LightningException.Conflict($"Experiment {experiment.Id} was changed or ended meanwhile; look at it and try again.");
        }

        await RecordAsync(scope, AuditAction.ExperimentChanged, changed, reason).ConfigureAwait(false);
        return changed;
    }

    public Task RecordAsync(Scope scope, AuditAction action, Experiment experiment, string? reason)
    {
        var detail = new Dictionary<string, string> { ["slot"] = experiment.Slot, ["status"] = EnumText.Of(experiment.Status) };
        if (reason is not null)
        {
            detail["reason"] = reason;
        }

        return audit.RecordAsync(action, experiment.Id, experiment.AgentId, scope.Actor, detail);
    }
}
