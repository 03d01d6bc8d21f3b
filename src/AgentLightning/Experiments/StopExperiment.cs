using AgentLightning.Access;
using AgentLightning.Audit;
using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Governance;

namespace AgentLightning.Experiments;

/// <summary>An experiment to end by hand.</summary>
/// <param name="Id">Which one; the one that runs by default.</param>
/// <param name="Promote">A candidate that is to serve everybody; null leaves what served before.</param>
/// <param name="Reason">Why, for the record.</param>
public sealed record StopExperimentRequest(
    string? AgentId,
    string? Id = null,
    string? Promote = null,
    string? Reason = null,
    string Slot = Deployment.DefaultSlot
);

/// <summary>New shares for a split, by hand.</summary>
/// <param name="Percent">What the candidates get together, in (0, 100).</param>
public sealed record StepExperimentRequest(
    string? AgentId,
    double Percent,
    string? Id = null,
    string? Reason = null,
    string Slot = Deployment.DefaultSlot
);

/// <summary>Ends an experiment by hand, or gives its candidates another share.</summary>
public sealed class StopExperiment : IOperation
{
    private readonly IExperimentStore _experiments;
    private readonly ExperimentWriter _writer;
    private readonly Redactor _redactor;

    public StopExperiment(
        IExperimentStore experiments,
        IDeploymentStore deployments,
        Promote promote,
        AuditTrail audit,
        Redactor redactor,
        TimeProvider time
    )
    {
        (_experiments, _redactor) = (experiments, redactor);
        _writer = new ExperimentWriter(experiments, deployments, promote, audit, time);
    }

    /// <summary>
    /// Ends it: what served before serves everybody, or the candidate that is named. Asks for the role admin. One that does not run is
    /// <see cref="ErrorKind.Conflict"/>.
    /// </summary>
    public async Task<Experiment> ExecuteAsync(Scope scope, StopExperimentRequest request, CancellationToken cancellationToken)
    {
        scope.Require(Role.Admin);
        var experiment = await RunningAsync(scope, request.AgentId, request.Id, request.Slot, cancellationToken).ConfigureAwait(false);
        var reason = _redactor.Redact(request.Reason ?? "requested", experiment.AgentId);
        return request.Promote is null
            ? await _writer
                .EndAsync(scope, experiment, ExperimentStatus.Stopped, reason, ExperimentVariant.Control, cancellationToken)
                .ConfigureAwait(false)
            : await _writer.PromoteAsync(scope, experiment, request.Promote, reason, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Gives the candidates another share. Asks for the role admin. One that does not run is a conflict too.</summary>
    public async Task<Experiment> StepAsync(Scope scope, StepExperimentRequest request, CancellationToken cancellationToken)
    {
        scope.Require(Role.Admin);
        var experiment = await RunningAsync(scope, request.AgentId, request.Id, request.Slot, cancellationToken).ConfigureAwait(false);
        if (request.Percent is not (> 0 and < 100))
        {
            throw LightningException.Invalid(
                $"The share of the candidates must be above 0 and below 100 percent, but it is {request.Percent}. To give a candidate "
                    + "everybody, stop the experiment and promote it: lightning experiment stop --promote candidate"
            );
        }

        var live = experiment.Variants.Skip(1).Where(variant => variant.Share > 0).ToList();
        var shares = live.ToDictionary(variant => variant.Name, _ => request.Percent / 100 / live.Count);
        shares[ExperimentVariant.Control] = 1 - (request.Percent / 100);
        return await _writer
            .ChangeSharesAsync(
                scope,
                experiment,
                shares,
                _redactor.Redact(request.Reason ?? "requested", experiment.AgentId),
                cancellationToken
            )
            .ConfigureAwait(false);
    }

    private async Task<Experiment> RunningAsync(Scope scope, string? agentId, string? id, string slot, CancellationToken cancellationToken)
    {
        if (id is null)
        {
            var agent = scope.Agent(agentId, Scope.DefaultAgent);
            return await _experiments.FindRunningAsync(agent, slot, cancellationToken).ConfigureAwait(false)
                ?? throw LightningException.Conflict(
                    $"No experiment of agent '{agent}' runs in slot '{slot}'. Start one with 'lightning experiment start --run-id ID'."
                );
        }

        scope.Named(agentId);
        var found = scope.Visible(await _experiments.FindAsync(Ids.Check(id, "id"), cancellationToken).ConfigureAwait(false), experiment =>
            experiment.AgentId
        ) ?? throw LightningException.NotFound($"Experiment {id} not found.");
        return found.Status == ExperimentStatus.Running
            ? found
            : throw LightningException.Conflict($"Experiment {id} is {EnumText.Of(found.Status)} already: {found.Reason}.");
    }
}
