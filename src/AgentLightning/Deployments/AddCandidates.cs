using AgentLightning.Access;
using AgentLightning.Audit;
using AgentLightning.Common;
using AgentLightning.Evaluation;
using AgentLightning.Governance;
using AgentLightning.Storage;
using AgentLightning.Training;

namespace AgentLightning.Deployments;

/// <summary>Runs to try beside the active release.</summary>
/// <param name="ExperimentId">What they are tried by.</param>
/// <param name="RunIds">One to seven.</param>
/// <param name="Force">Tries them although the gate has not passed them; the record says so.</param>
public sealed record CandidatesRequest(
    string? AgentId,
    string ExperimentId,
    IReadOnlyList<string> RunIds,
    string? StartedBy = null,
    bool Force = false,
    string? ForceReason = null,
    string Slot = Deployment.DefaultSlot
);

/// <summary>The sides of an experiment, as releases of their own: their figures begin with it.</summary>
/// <param name="Control">The model that served before, released anew and active.</param>
/// <param name="Candidates">Not active, in the order of the runs.</param>
public sealed record ExperimentReleases(Deployment Control, IReadOnlyList<Deployment> Candidates);

/// <summary>Makes the releases that an experiment splits its traffic between.</summary>
public sealed class AddCandidates : IOperation
{
    /// <summary>Most candidates of one experiment.</summary>
    public const int Most = 7;

    private readonly IDeploymentStore _deployments;
    private readonly PromotionCheck _check;
    private readonly ReleaseWriter _releases;
    private readonly Redactor _redactor;

    public AddCandidates(
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
    /// In one transaction, releases the active model anew and stores a candidate for each run, under the same conditions as a promotion.
    /// Asks for the role admin. Without an active release it is <see cref="ErrorKind.Conflict"/>: what the base model did is in no
    /// release's figures.
    /// </summary>
    public async Task<ExperimentReleases> ExecuteAsync(Scope scope, CandidatesRequest request, CancellationToken cancellationToken)
    {
        scope.Require(Role.Admin);
        var agentId = scope.Agent(request.AgentId, Scope.DefaultAgent);
        if (request.RunIds.Count is < 1 or > Most || request.RunIds.Distinct().Count() != request.RunIds.Count)
        {
            throw LightningException.Invalid(
                $"An experiment tries 1 to {Most} different runs, but {request.RunIds.Count} were named: "
                    + $"{string.Join(", ", request.RunIds)}."
            );
        }

        var active = await _deployments
            .FindActiveAsync(agentId, Deployment.CheckSlot(request.Slot), cancellationToken)
            .ConfigureAwait(false)
            ?? throw LightningException.Conflict(
                $"Agent '{agentId}' has no active release in slot '{request.Slot}' to try against; its base model answers, which has no "
                    + "figures of its own. Release that model by its name first: lightning promote --model NAME"
            );
        var by = request.StartedBy ?? scope.Actor;
        var candidates = new List<Deployment>();
        foreach (var id in request.RunIds)
        {
            var (run, evaluation, objection) = await _check
                .ExecuteAsync(agentId, Ids.Check(id, "run_id"), active, request.Force, cancellationToken)
                .ConfigureAwait(false);
            candidates.Add(
                _releases.New(agentId, request.Slot, run.Id, evaluation?.Id, run.TunedModelName!, run.Artifact, by) with
                {
                    IsActive = false,
                    IsCandidate = true,
                    ExperimentId = request.ExperimentId,
                    Forced = objection is not null,
                    ForceReason = objection is null || request.ForceReason is null ? null : _redactor.Redact(request.ForceReason, agentId),
                }
            );
        }

        var control = _releases.New(
            agentId,
            request.Slot,
            active.TrainingRunId,
            active.EvaluationId,
            active.TunedModelName,
            active.Artifact,
            by
        ) with
        {
            ExperimentId = request.ExperimentId,
            Forced = active.Forced,
            ForceReason = active.ForceReason,
        };
        var stored = await _deployments.ActivateAsync(control, candidates, active.Id, cancellationToken).ConfigureAwait(false);
        return new ExperimentReleases(stored[0], [.. stored.Skip(1)]);
    }
}
