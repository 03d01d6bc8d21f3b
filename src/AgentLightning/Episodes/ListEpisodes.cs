using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Governance;

namespace AgentLightning.Episodes;

/// <summary>Lists episodes.</summary>
public sealed class ListEpisodes(IEpisodeStore episodes, Redactor redactor) : IOperation
{
    /// <summary>
    /// Newest first; role read. An agent that the scope is not for is <see cref="ErrorKind.Forbidden"/>; what is of the others does not
    /// exist. The ids of a session and of a user are looked for as they were captured. <see cref="EpisodeQuery.Agents"/> is set by the
    /// scope.
    /// </summary>
    public async Task<ListPage<EpisodeSummary>> ListAsync(Scope scope, EpisodeQuery query, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        var found = await episodes
            .ListAsync((query with { AgentId = scope.Named(query.AgentId), Agents = scope.Agents }).AsStored(redactor), cancellationToken)
            .ConfigureAwait(false);
        var page = ListPage.Of(found, query.Limit, episode => PageCursor.After(episode.CreatedAt, episode.Id));
        return page with
        {
            Items = [.. found.Select(episode => episode with { Id = EpisodeIds.Shown(scope, episode.Id, episode.AgentId) })],
        };
    }
}
