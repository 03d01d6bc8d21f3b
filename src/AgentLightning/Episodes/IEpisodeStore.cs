using AgentLightning.Governance;

namespace AgentLightning.Episodes;

/// <summary>Which episodes to list. All parts are optional and hold together.</summary>
/// <param name="Limit">1…1,000.</param>
/// <param name="Before">Where the page before ended (<see cref="Common.ListPage{T}.Next"/>), or the id of an episode: only older ones
/// follow. Stable while new episodes arrive.</param>
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

/// <summary>What became of an episode that was given to the store.</summary>
/// <param name="Id">Under which it lies; another than was given where that is the id of another agent's episode.</param>
/// <param name="CreatedAt">Of the one that lies there.</param>
/// <param name="IsNew">False when an episode of the same agent was there already, which stays as it is.</param>
public sealed record AddedEpisode(string Id, string AgentId, DateTimeOffset CreatedAt, bool IsNew);

/// <summary>Keeps episodes. A call that returned is on disk.</summary>
public interface IEpisodeStore
{
    /// <summary>
    /// Stores a group of episodes in one transaction, and tells for each what became of it. One that its agent has already is left as it
    /// was; one whose id another agent's episode has lies under an id of its own (<see cref="EpisodeIds"/>).
    /// </summary>
    Task<IReadOnlyList<AddedEpisode>> AddEachAsync(IReadOnlyList<Episode> episodes, CancellationToken cancellationToken);

    /// <summary>The same, and returns how many were new.</summary>
    async Task<int> AddAsync(IReadOnlyList<Episode> episodes, CancellationToken cancellationToken) =>
        (await AddEachAsync(episodes, cancellationToken).ConfigureAwait(false)).Count(episode => episode.IsNew);

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

    /// <summary>
    /// The newest episode of each agent whose answer is this message of a conversation, newest first: two agents may name theirs alike.
    /// </summary>
    /// <param name="agents">Only episodes of these agents exist for it; null for all.</param>
    Task<IReadOnlyList<EpisodeOrigin>> FindByMessageAsync(
        string messageId,
        IReadOnlyList<string>? agents,
        CancellationToken cancellationToken
    );

    /// <summary>Episodes, newest first. A <see cref="EpisodeQuery.Before"/> that is the id of no episode is an error.</summary>
    Task<IReadOnlyList<EpisodeSummary>> ListAsync(EpisodeQuery query, CancellationToken cancellationToken);

    /// <summary>
    /// Whole episodes, newest first, read a page of <see cref="EpisodeQuery.Limit"/> at a time: memory does not grow with their number.
    /// </summary>
    IAsyncEnumerable<Episode> ReadAsync(EpisodeQuery query, CancellationToken cancellationToken);

    /// <summary>How many episodes there are, counted by the database; of all agents when <paramref name="agentId"/> is null.</summary>
    Task<long> CountAsync(string? agentId, CancellationToken cancellationToken);

    /// <summary>
    /// The model that answered last, of an agent, when no release did and none was in training, among its newest thousand; null where none
    /// is told.
    /// </summary>
    Task<string?> FindBaseModelAsync(string agentId, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes up to <paramref name="most"/> (1…1,000) of the selected episodes, oldest first, with everything that refers to them, in one
    /// transaction. Returns how many; 0 when there are no more. A selection without any part is <see cref="Common.ErrorKind.Invalid"/>.
    /// </summary>
    Task<int> DeleteAsync(EpisodeSelection selection, int most, CancellationToken cancellationToken);

    /// <summary>The ids of up to <paramref name="most"/> (1…1,000) of the selected episodes, oldest first.</summary>
    Task<IReadOnlyList<string>> ChooseAsync(EpisodeSelection selection, int most, CancellationToken cancellationToken);

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
