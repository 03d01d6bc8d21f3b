using AgentLightning.Storage;

namespace AgentLightning.Training;

/// <summary>Keeps training runs and lets them move only along their state machine.</summary>
public interface ITrainingRunStore
{
    /// <summary>Stores a new run, which must be pending.</summary>
    Task AddAsync(TrainingRun run, CancellationToken cancellationToken);

    Task<TrainingRun?> FindAsync(string id, CancellationToken cancellationToken);

    /// <summary>The newest runs; of all agents when <paramref name="agentId"/> is null.</summary>
    Task<IReadOnlyList<TrainingRun>> ListAsync(string? agentId, int limit, CancellationToken cancellationToken) =>
        ListAsync(agentId, limit, null, cancellationToken);

    /// <summary>Runs, newest first; of all agents when <paramref name="agentId"/> is null.</summary>
    /// <param name="limit">1…1,000.</param>
    /// <param name="before">The cursor that ended the page before, or the id of a run: only older ones follow.</param>
    Task<IReadOnlyList<TrainingRun>> ListAsync(string? agentId, int limit, string? before, CancellationToken cancellationToken);

    /// <summary>
    /// The runs that learned from one of these data sets, or that began from one of these models; of all agents, in any order.
    /// </summary>
    /// <param name="datasetIds">Up to 1,000, as <paramref name="models"/>.</param>
    Task<IReadOnlyList<TrainingRun>> LearnedFromAsync(
        IReadOnlyList<string> datasetIds,
        IReadOnlyList<string> models,
        CancellationToken cancellationToken
    );

    /// <summary>How many runs of an agent are in each state, counted by the database.</summary>
    Task<IReadOnlyDictionary<TrainingStatus, long>> CountByStatusAsync(string? agentId, CancellationToken cancellationToken);

    /// <summary>The same without a lease.</summary>
    Task<bool> TryMoveAsync(TrainingRun run, CancellationToken cancellationToken) => TryMoveAsync(run, null, cancellationToken);

    /// <summary>
    /// Writes a run with its new status, if the stored run is in a state from which that status can be reached; otherwise nothing changes
    /// and the answer is false.
    /// </summary>
    /// <param name="lease">Of who executes the run: once another holds it, nothing changes either.</param>
    Task<bool> TryMoveAsync(TrainingRun run, Lease? lease, CancellationToken cancellationToken);
}
