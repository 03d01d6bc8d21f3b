using AgentLightning.Access;
using AgentLightning.Common;

namespace AgentLightning.Training;

/// <summary>Which runs are asked for.</summary>
/// <param name="AgentId">Null for all that the scope is for.</param>
/// <param name="Status">Null for all.</param>
/// <param name="Limit">1…1,000.</param>
/// <param name="Before">Where the page before ended: its <see cref="ListPage{T}.Next"/>, or the id of a run.</param>
public sealed record TrainingRunQuery(string? AgentId, TrainingStatus? Status, int Limit = 20, string? Before = null);

/// <summary>Lists training runs.</summary>
public sealed class ListTrainingRuns(ITrainingRunStore runs) : IOperation
{
    /// <summary>A page, newest first. Asks for the role read.</summary>
    public async Task<ListPage<TrainingRun>> ExecuteAsync(Scope scope, TrainingRunQuery query, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        IReadOnlyList<string>? agents = scope.Named(query.AgentId) is { } agent ? [agent] : scope.Agents;
        var list = await runs.ListAsync(agents, query.Status, query.Limit, query.Before, cancellationToken).ConfigureAwait(false);
        return ListPage.Of(list, query.Limit, run => PageCursor.After(run.CreatedAt, run.Id));
    }
}
