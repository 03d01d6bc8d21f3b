using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Deployments;

namespace AgentLightning.Experiments;

/// <summary>Tells how an experiment stands.</summary>
public sealed class GetExperiment : IOperation
{
    private readonly IExperimentStore _experiments;
    private readonly ExperimentReader _reader;

    public GetExperiment(
        IExperimentStore experiments,
        IReleaseFigures figures,
        IDeploymentStore deployments,
        ModelPrices prices,
        TimeProvider time
    ) => (_experiments, _reader) = (experiments, new ExperimentReader(experiments, figures, deployments, prices, time));

    /// <summary>
    /// Its figures, and what its rules say of them now; looking changes nothing. Asks for the role read. One that does not exist, or is
    /// another agent's, is <see cref="ErrorKind.NotFound"/>.
    /// </summary>
    public async Task<ExperimentReport> ExecuteAsync(Scope scope, string id, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        var experiment = scope.Visible(await _experiments.FindAsync(Ids.Check(id, "id"), cancellationToken).ConfigureAwait(false), found =>
            found.AgentId
        ) ?? throw LightningException.NotFound($"Experiment {id} not found.");
        return await _reader.ReadAsync(experiment, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The same for the one that runs in a slot, or else the last. Asks for the role read. None is not found.</summary>
    public async Task<ExperimentReport> LatestAsync(Scope scope, string? agentId, string slot, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        var agent = scope.Agent(agentId, Scope.DefaultAgent);
        var experiment = await _experiments.FindRunningAsync(agent, slot, cancellationToken).ConfigureAwait(false)
            ?? (await _experiments.ListAsync(agent, 100, null, cancellationToken).ConfigureAwait(false)).FirstOrDefault(found =>
                found.Slot == slot
            )
            ?? throw LightningException.NotFound(
                $"Agent '{agent}' has had no experiment in slot '{slot}'. Start one with 'lightning experiment start --run-id ID'."
            );
        return await _reader.ReadAsync(experiment, cancellationToken).ConfigureAwait(false);
    }
}
