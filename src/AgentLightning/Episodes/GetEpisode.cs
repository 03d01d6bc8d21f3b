using AgentLightning.Access;
using AgentLightning.Common;

namespace AgentLightning.Episodes;

/// <summary>Gives one episode.</summary>
public sealed class GetEpisode(EpisodeLookup lookup) : IOperation
{
    /// <summary>
    /// The whole episode; role read. An id that there is not, and one of an agent that the scope is not for, is
    /// <see cref="ErrorKind.NotFound"/>.
    /// </summary>
    public async Task<Episode> ReadAsync(Scope scope, string id, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        var episode = await lookup.ReadAsync(scope, id, cancellationToken).ConfigureAwait(false);
        return episode with { Id = EpisodeIds.Shown(scope, episode.Id, episode.AgentId) };
    }
}
