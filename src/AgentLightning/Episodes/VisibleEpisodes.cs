using AgentLightning.Access;
using AgentLightning.Common;

namespace AgentLightning.Episodes;

/// <summary>Episodes as a scope sees them.</summary>
public static class VisibleEpisodes
{
    /// <summary>The episode, or <see cref="ErrorKind.NotFound"/>, which is also said of an episode of another agent.</summary>
    public static async Task<Episode> EpisodeAsync(
        this Scope scope,
        IEpisodeStore episodes,
        string id,
        CancellationToken cancellationToken
    ) =>
        scope.Visible(await episodes.FindAsync(id, cancellationToken).ConfigureAwait(false), episode => episode.AgentId)
        ?? throw LightningException.NotFound($"Episode {id} not found");

    /// <summary>
    /// True when an id is an episode that may be touched, or is no episode at all, also counting what is on its way to the store; false
    /// when it is another agent's. For requests that hand the id on to a service, which then finds it or not.
    /// </summary>
    public static async Task<bool> MayTouchAsync(
        this Scope scope,
        string episodeId,
        IEpisodeStore episodes,
        EpisodeRecorder recorder,
        CancellationToken cancellationToken
    )
    {
        if (scope.Agents is null)
        {
            return true;
        }

        var episode = await episodes.FindAsync(episodeId, cancellationToken).ConfigureAwait(false);
        if (episode is null)
        {
            await recorder.FlushAsync(cancellationToken).ConfigureAwait(false);
            episode = await episodes.FindAsync(episodeId, cancellationToken).ConfigureAwait(false);
        }

        return episode is null || scope.Allows(episode.AgentId);
    }
}
