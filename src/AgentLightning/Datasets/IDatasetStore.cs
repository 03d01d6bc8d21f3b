namespace AgentLightning.Datasets;

/// <summary>A rewarded episode as the builder reads it. Rows of one input follow one another.</summary>
public sealed record RewardedEpisode(
    string EpisodeId,
    string InputKey,
    string UserInput,
    string Action,
    double? LogProbability,
    double Reward,
    string? Correction
);

/// <summary>Keeps data sets, and finds the episodes that they are made of.</summary>
public interface IDatasetStore
{
    /// <summary>Stores a data set under the next version of its name; returns it with that version.</summary>
    Task<Dataset> AddAsync(Dataset dataset, CancellationToken cancellationToken);

    Task<Dataset?> FindAsync(string id, CancellationToken cancellationToken);

    /// <summary>The newest data sets; of all agents when <paramref name="agentId"/> is null.</summary>
    Task<IReadOnlyList<Dataset>> ListAsync(string? agentId, int limit, CancellationToken cancellationToken) =>
        ListAsync(agentId, limit, null, cancellationToken);

    /// <summary>Data sets, newest first; of all agents when <paramref name="agentId"/> is null.</summary>
    /// <param name="limit">1…1,000.</param>
    /// <param name="before">The cursor that ended the page before, or the id of a data set: only older ones follow.</param>
    Task<IReadOnlyList<Dataset>> ListAsync(string? agentId, int limit, string? before, CancellationToken cancellationToken);

    /// <summary>How many data sets there are, counted by the database.</summary>
    Task<long> CountAsync(string? agentId, CancellationToken cancellationToken);

    /// <summary>
    /// Every rewarded episode of an agent that made a named choice, ordered by input, oldest first; work of our own is left out.
    /// The reward of an episode is the mean of its current quality rewards plus its penalties, kept within −1…1.
    /// </summary>
    Task<IReadOnlyList<RewardedEpisode>> RewardedEpisodesAsync(string agentId, CancellationToken cancellationToken);
}
