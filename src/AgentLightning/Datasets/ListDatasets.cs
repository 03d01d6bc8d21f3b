using AgentLightning.Access;
using AgentLightning.Common;

namespace AgentLightning.Datasets;

/// <summary>Lists data sets, and finds one.</summary>
public sealed class ListDatasets(IDatasetStore datasets) : IOperation
{
    /// <summary>
    /// Newest first; role read. Of all agents that the scope is for when none is named and it is for all; a scope of several must name one.
    /// </summary>
    /// <param name="limit">1…1,000.</param>
    /// <param name="before">Where the page before ended, or the id of a data set.</param>
    public async Task<ListPage<Dataset>> ListAsync(
        Scope scope,
        string? agentId,
        int limit,
        string? before,
        CancellationToken cancellationToken
    )
    {
        scope.Require(Role.Read);
        var found = await datasets.ListAsync(scope.AgentOrAll(agentId), limit, before, cancellationToken).ConfigureAwait(false);
        return ListPage.Of(found, limit, dataset => PageCursor.After(dataset.CreatedAt, dataset.Id));
    }

    /// <summary>One data set; role read. One of an agent that the scope is not for is <see cref="ErrorKind.NotFound"/>.</summary>
    public async Task<Dataset> GetAsync(Scope scope, string id, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        var found = await datasets.FindAsync(Ids.Check(id, "id"), cancellationToken).ConfigureAwait(false);
        return scope.Visible(found, dataset => dataset.AgentId) ?? throw LightningException.NotFound($"Dataset {id} not found.");
    }
}
