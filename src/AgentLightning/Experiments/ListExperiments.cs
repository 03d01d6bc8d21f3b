using AgentLightning.Access;
using AgentLightning.Common;

namespace AgentLightning.Experiments;

/// <summary>The experiments of an agent.</summary>
/// <param name="Experiments">Newest first.</param>
public sealed record ExperimentList(string AgentId, IReadOnlyList<Experiment> Experiments);

/// <summary>Lists an agent's experiments.</summary>
public sealed class ListExperiments(IExperimentStore experiments) : IOperation
{
    /// <summary>The newest, newest first. Asks for the role read.</summary>
    /// <param name="limit">1…1,000.</param>
    /// <param name="before">Where the page before ended.</param>
    public async Task<ExperimentList> ExecuteAsync(
        Scope scope,
        string? agentId,
        int limit,
        string? before,
        CancellationToken cancellationToken
    )
    {
        scope.Require(Role.Read);
        if (limit is < 1 or > 1_000)
        {
            throw LightningException.Invalid($"limit must be from 1 to 1000, but it is {limit}.");
        }

        var agent = scope.Agent(agentId, Scope.DefaultAgent);
        return new ExperimentList(agent, await experiments.ListAsync(agent, limit, before, cancellationToken).ConfigureAwait(false));
    }
}
