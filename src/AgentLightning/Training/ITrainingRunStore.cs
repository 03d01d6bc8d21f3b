namespace AgentLightning.Training;

/// <summary>Keeps training runs and lets them move only along their state machine.</summary>
public interface ITrainingRunStore
{
    /// <summary>Stores a new run, which must be pending.</summary>
    Task AddAsync(TrainingRun run, CancellationToken cancellationToken);

    Task<TrainingRun?> FindAsync(string id, CancellationToken cancellationToken);

    Task<IReadOnlyList<TrainingRun>> ListAsync(string? agentId, int limit, CancellationToken cancellationToken);

    /// <summary>How many runs of an agent are in each state, counted by the database.</summary>
    Task<IReadOnlyDictionary<TrainingStatus, long>> CountByStatusAsync(string? agentId, CancellationToken cancellationToken);

    /// <summary>
    /// Writes a run with its new status, if the stored run is in a state from which that status can be reached; otherwise nothing changes
    /// and the answer is false.
    /// </summary>
    Task<bool> TryMoveAsync(TrainingRun run, CancellationToken cancellationToken);
}
