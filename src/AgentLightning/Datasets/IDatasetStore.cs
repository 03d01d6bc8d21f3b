namespace AgentLightning.Datasets;

/// <summary>Keeps data sets.</summary>
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
}
