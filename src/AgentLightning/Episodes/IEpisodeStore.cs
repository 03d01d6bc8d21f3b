namespace AgentLightning.Episodes;

/// <summary>Which episodes to list. All parts are optional and hold together.</summary>
/// <param name="Limit">1…1,000.</param>
/// <param name="Before">The id of an episode: only older ones follow. Stable while new episodes arrive.</param>
public sealed record EpisodeQuery(string? AgentId = null, DateTimeOffset? Start = null, DateTimeOffset? End = null, int Limit = 20, string? Before = null);

/// <summary>Keeps episodes. A call that returned is on disk.</summary>
public interface IEpisodeStore
{
    /// <summary>
    /// Stores a group of episodes in one transaction. An id that is already there is left as it was and not counted.
    /// Returns how many were new.
    /// </summary>
    Task<int> AddAsync(IReadOnlyList<Episode> episodes, CancellationToken cancellationToken);

    /// <summary>The whole episode, or null.</summary>
    Task<Episode?> FindAsync(string id, CancellationToken cancellationToken);

    /// <summary>The newest episode that gave this message, whole, or null; of one agent when <paramref name="agentId"/> is given.</summary>
    Task<Episode?> FindByMessageAsync(string messageId, string? agentId, CancellationToken cancellationToken);

    /// <summary>Episodes, newest first. A <see cref="EpisodeQuery.Before"/> that does not exist is an error.</summary>
    Task<IReadOnlyList<EpisodeSummary>> ListAsync(EpisodeQuery query, CancellationToken cancellationToken);

    /// <summary>How many episodes there are, counted by the database; of all agents when <paramref name="agentId"/> is null.</summary>
    Task<long> CountAsync(string? agentId, CancellationToken cancellationToken);
}
