namespace AgentLightning.Datasets;

/// <summary>What data sets can be asked for by.</summary>
public enum DatasetMemberKind
{
    Episode,
    Session,
    User,
}

/// <summary>A data set that holds what was asked for.</summary>
/// <param name="Episodes">How many of its episodes are of it.</param>
public sealed record DatasetHolding(Dataset Dataset, int Episodes);

/// <summary>
/// Knows which data sets hold which episodes, sessions and users. It keeps hashes of their ids, which stay when the episodes are deleted:
/// what a model has learned is asked for afterwards too.
/// </summary>
public interface IDatasetMembers
{
    /// <summary>The data sets that hold it, oldest first. Those built before this was kept are not known.</summary>
    /// <param name="id">Of a session or a user as it is stored.</param>
    /// <param name="agents">Only data sets of these agents exist for the question; null for all.</param>
    Task<IReadOnlyList<DatasetHolding>> FindAsync(
        DatasetMemberKind kind,
        string id,
        IReadOnlyList<string>? agents,
        CancellationToken cancellationToken
    );

    /// <summary>
    /// Marks the data sets that hold these episodes, and gives them with the number of these episodes that they hold. Done twice it is done
    /// once.
    /// </summary>
    /// <param name="episodeIds">Up to 1,000.</param>
    Task<IReadOnlyList<DatasetHolding>> EraseAsync(IReadOnlyList<string> episodeIds, CancellationToken cancellationToken);
}
