using AgentLightning.Access;
using AgentLightning.Common;

namespace AgentLightning.Evaluation;

/// <summary>The evaluations of an agent.</summary>
/// <param name="Evaluations">Newest first.</param>
public sealed record EvaluationList(string AgentId, IReadOnlyList<EvaluationRecord> Evaluations);

/// <summary>Looks evaluations up.</summary>
public sealed class GetEvaluation(IEvaluationStore evaluations) : IOperation
{
    /// <summary>
    /// One evaluation. Asks for the role read. One that does not exist, or is another agent's, is <see cref="ErrorKind.NotFound"/>.
    /// </summary>
    public async Task<EvaluationRecord> ExecuteAsync(Scope scope, string id, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        return scope.Visible(await evaluations.FindAsync(Ids.Check(id, "id"), cancellationToken).ConfigureAwait(false), evaluation =>
            evaluation.AgentId
        ) ?? throw LightningException.NotFound($"Evaluation {id} not found.");
    }

    /// <summary>An agent's, newest first. Asks for the role read.</summary>
    /// <param name="trainingRunId">Only those of this run; null for all.</param>
    /// <param name="limit">1…1,000.</param>
    /// <param name="before">Where the page before ended.</param>
    public async Task<EvaluationList> ListAsync(
        Scope scope,
        string? agentId,
        string? trainingRunId,
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
        return new EvaluationList(
            agent,
            await evaluations.ListAsync(agent, trainingRunId, limit, before, cancellationToken).ConfigureAwait(false)
        );
    }
}
