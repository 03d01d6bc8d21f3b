using AgentLightning.Access;
using AgentLightning.Audit;
using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Governance;
using AgentLightning.Storage;

namespace AgentLightning.Experiments;

/// <summary>Runs to try on a part of the traffic.</summary>
/// <param name="AgentId">Whose runs; the usual agent of the scope by default.</param>
/// <param name="RunIds">One to seven runs that the gate has passed.</param>
/// <param name="Force">Tries them although the gate has not passed them; the record says so.</param>
public sealed record StartExperimentRequest(
    string? AgentId,
    IReadOnlyList<string> RunIds,
    ExperimentRules Rules,
    string? StartedBy = null,
    bool Force = false,
    string? ForceReason = null,
    string Slot = Deployment.DefaultSlot
);

/// <summary>Begins to split an agent's traffic between its active release and candidates.</summary>
public sealed class StartExperiment : IOperation
{
    private readonly IExperimentStore _experiments;
    private readonly AddCandidates _candidates;
    private readonly ExperimentWriter _writer;
    private readonly Redactor _redactor;
    private readonly TimeProvider _time;

    public StartExperiment(
        IExperimentStore experiments,
        IDeploymentStore deployments,
        AddCandidates candidates,
        Promote promote,
        AuditTrail audit,
        Redactor redactor,
        TimeProvider time
    )
    {
        (_experiments, _candidates, _redactor, _time) = (experiments, candidates, redactor, time);
        _writer = new ExperimentWriter(experiments, deployments, promote, audit, time);
    }

    /// <summary>
    /// Starts it: every server splits sessions within a second. Asks for the role admin. A run that the gate has not passed, an agent
    /// without an active release, and a second experiment in the slot are <see cref="ErrorKind.Conflict"/>.
    /// </summary>
    public async Task<Experiment> ExecuteAsync(Scope scope, StartExperimentRequest request, CancellationToken cancellationToken)
    {
        scope.Require(Role.Admin);
        var agentId = scope.Agent(request.AgentId, Scope.DefaultAgent);
        request.Rules.Validate();
        if (await _experiments.FindRunningAsync(agentId, request.Slot, cancellationToken).ConfigureAwait(false) is { } running)
        {
            throw LightningException.Conflict(
                $"Experiment {running.Id} of agent '{agentId}' runs in slot '{request.Slot}' already. Stop it with 'lightning experiment "
                    + "stop', or wait for its end."
            );
        }

        var now = _time.GetUtcNow().Rounded();
        var id = Ids.New(now);
        var by = _redactor.Redact(request.StartedBy ?? scope.Actor, agentId);
        var releases = await _candidates
            .ExecuteAsync(
                scope,
                new CandidatesRequest(agentId, id, request.RunIds, by, request.Force, request.ForceReason, request.Slot),
                cancellationToken
            )
            .ConfigureAwait(false);
        var experiment = new Experiment(
            id,
            agentId,
            request.Slot,
            ExperimentStatus.Running,
            1,
            request.Rules,
            VariantsOf(releases, request.Rules),
            now,
            by
        );
        await _experiments.AddAsync(experiment, cancellationToken).ConfigureAwait(false);
        await _writer.RecordAsync(scope, AuditAction.ExperimentStarted, experiment, null).ConfigureAwait(false);
        return experiment;
    }

    private static List<ExperimentVariant> VariantsOf(ExperimentReleases releases, ExperimentRules rules)
    {
        var count = releases.Candidates.Count;
        var share = rules.Design == ExperimentDesign.TrackAndStop ? 1.0 / (count + 1) : rules.Steps[0] / 100 / count;
        return
        [
            new ExperimentVariant(ExperimentVariant.Control, releases.Control.Id, 1 - (share * count)),
            .. releases.Candidates.Select(
                (release, i) => new ExperimentVariant(i == 0 ? "candidate" : $"candidate-{i + 1}", release.Id, share)
            ),
        ];
    }
}
