using AgentLightning.Governance;

namespace AgentLightning.Episodes;

/// <summary>Which episodes to list. All parts are optional and hold together.</summary>
/// <param name="Limit">1…1,000.</param>
/// <param name="Before">The id of an episode: only older ones follow. Stable while new episodes arrive.</param>
/// <param name="Agents">Only episodes of these agents exist for the query; null for all.</param>
public sealed record EpisodeQuery(
    string? AgentId = null,
    DateTimeOffset? Start = null,
    DateTimeOffset? End = null,
    int Limit = 20,
    string? Before = null,
    string? SessionId = null,
    string? UserId = null,
    IReadOnlyList<string>? Agents = null
)
{
    /// <summary>The same, with the ids of session and user as they lie in the store: who asks knows them as they were captured.</summary>
    public EpisodeQuery AsStored(Redactor redactor) =>
        this with
        {
            SessionId = redactor.Identifier(SessionId, AgentId),
            UserId = redactor.Identifier(UserId, AgentId),
        };
}

/// <summary>Which episodes to delete: what is given holds together, and at least one part is.</summary>
/// <param name="Ids">These, as far as they exist.</param>
/// <param name="OlderThan">Those made before this moment.</param>
/// <param name="Agents">Only episodes of these agents exist for the deletion; null for all. By itself it selects nothing.</param>
public sealed record EpisodeSelection(
    string? AgentId = null,
    IReadOnlyList<string>? Ids = null,
    string? SessionId = null,
    string? UserId = null,
    DateTimeOffset? OlderThan = null,
    IReadOnlyList<string>? Agents = null
)
{
    /// <inheritdoc cref="EpisodeQuery.AsStored"/>
    public EpisodeSelection AsStored(Redactor redactor) =>
        this with
        {
            SessionId = redactor.Identifier(SessionId, AgentId),
            UserId = redactor.Identifier(UserId, AgentId),
        };
}

/// <summary>Whose an episode is, and which release answered it.</summary>
public sealed record EpisodeOrigin(string EpisodeId, string AgentId, string? DeploymentId);

/// <summary>Keeps episodes. A call that returned is on disk.</summary>
public interface IEpisodeStore
{
    /// <summary>
    /// Stores a group of episodes in one transaction. An id that is already there is left as it was and not counted.
    /// Returns how many were new.
    /// </summary>
    Task<int> AddAsync(IReadOnlyList<Episode> episodes, CancellationToken cancellationToken);

    /// <summary>
    /// Replaces what was read out of traces, because spans came late. Id, release and time stay, and an episode of another trace is left as
    /// it was; texts that retention removed stay removed. Where the agent is another now, the episode's rewards and feedback go with it,
    /// and so do the totals, in the same transaction. Returns how many were replaced.
    /// </summary>
    Task<int> UpdateReadAsync(IReadOnlyList<Episode> episodes, CancellationToken cancellationToken);

    /// <summary>The whole episode, or null.</summary>
    Task<Episode?> FindAsync(string id, CancellationToken cancellationToken);

    /// <summary>Whose these episodes are (1…1,000 ids), in any order, of those that exist.</summary>
    Task<IReadOnlyList<EpisodeOrigin>> OriginsAsync(IReadOnlyList<string> ids, CancellationToken cancellationToken);

    /// <summary>The newest episode whose answer is this message of a conversation, or null.</summary>
    Task<Episode?> FindByMessageAsync(string messageId, CancellationToken cancellationToken);

    /// <summary>Episodes, newest first. A <see cref="EpisodeQuery.Before"/> that does not exist is an error.</summary>
    Task<IReadOnlyList<EpisodeSummary>> ListAsync(EpisodeQuery query, CancellationToken cancellationToken);

    /// <summary>
    /// Whole episodes, newest first, read a page of <see cref="EpisodeQuery.Limit"/> at a time: memory does not grow with their number.
    /// </summary>
    IAsyncEnumerable<Episode> ReadAsync(EpisodeQuery query, CancellationToken cancellationToken);

    /// <summary>How many episodes there are, counted by the database; of all agents when <paramref name="agentId"/> is null.</summary>
    Task<long> CountAsync(string? agentId, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes up to <paramref name="most"/> (1…1,000) of the selected episodes, oldest first, with everything that refers to them, in one
    /// transaction. Returns how many; 0 when there are no more. A selection without any part is <see cref="Common.ErrorKind.Invalid"/>.
    /// </summary>
    Task<int> DeleteAsync(EpisodeSelection selection, int most, CancellationToken cancellationToken);

    /// <summary>
    /// The ids of up to <paramref name="most"/> (1…1,000) of the selected episodes whose payloads are there, oldest first; empty when there
    /// are no more.
    /// </summary>
    Task<IReadOnlyList<string>> WithPayloadAsync(EpisodeSelection selection, int most, CancellationToken cancellationToken);

    /// <summary>
    /// The same as <see cref="DeleteAsync"/> for the payloads alone: texts, messages, tool calls, tokens and metadata go, the rows of facts
    /// stay.
    /// </summary>
    Task<int> RemovePayloadsAsync(EpisodeSelection selection, int most, CancellationToken cancellationToken);
}
