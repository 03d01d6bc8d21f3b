using AgentLightning.Storage;

namespace AgentLightning.Training;

/// <summary>Keeps training runs and lets them move only along their state machine.</summary>
public interface ITrainingRunStore
{
    /// <summary>Stores a new run, which must be pending.</summary>
    Task AddAsync(TrainingRun run, CancellationToken cancellationToken);

    Task<TrainingRun?> FindAsync(string id, CancellationToken cancellationToken);

    /// <summary>The run that made a tuned model of an agent; of several, the newest.</summary>
    Task<TrainingRun?> FindByModelAsync(string agentId, string tunedModelName, CancellationToken cancellationToken);

    /// <summary>The newest runs; of all agents when <paramref name="agentId"/> is null.</summary>
    Task<IReadOnlyList<TrainingRun>> ListAsync(string? agentId, int limit, CancellationToken cancellationToken) =>
        ListAsync(agentId, limit, null, cancellationToken);

    /// <summary>Runs, newest first; of all agents when <paramref name="agentId"/> is null.</summary>
    /// <param name="limit">1…1,000.</param>
    /// <param name="before">The cursor that ended the page before, or the id of a run: only older ones follow.</param>
    Task<IReadOnlyList<TrainingRun>> ListAsync(string? agentId, int limit, string? before, CancellationToken cancellationToken) =>
        ListAsync(agentId is null ? null : [agentId], null, limit, before, cancellationToken);

    /// <summary>Runs, newest first.</summary>
    /// <param name="agents">Null for all.</param>
    /// <param name="status">Null for all.</param>
    /// <param name="limit">1…1,000.</param>
    /// <param name="before">The cursor that ended the page before, or the id of a run: only older ones follow.</param>
    Task<IReadOnlyList<TrainingRun>> ListAsync(
        IReadOnlyList<string>? agents,
        TrainingStatus? status,
        int limit,
        string? before,
        CancellationToken cancellationToken
    );

    /// <summary>Queued runs that have not come to their end, those that others execute among them, oldest first.</summary>
    /// <param name="engines">Who must be meant to execute them.</param>
    Task<IReadOnlyList<TrainingRun>> ListToDoAsync(IReadOnlyList<string> engines, int limit, CancellationToken cancellationToken);

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

    /// <summary>
    /// Begins a pending run, or goes on with a running one from its checkpoint: what was said of later steps is taken back. False, and
    /// nothing changes, when it has come to its end or another holds the lease.
    /// </summary>
    Task<bool> TryBeginAsync(string id, DateTimeOffset now, Lease lease, CancellationToken cancellationToken);

    /// <summary>
    /// Ends a pending run as cancelled, and asks a running one to stop at its next step. Returns the run as it is then; null where there is
    /// none.
    /// </summary>
    Task<TrainingRun?> RequestCancelAsync(string id, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>
    /// Adds lines to what a run says, of which the newest <see cref="MostLogLines"/> are kept, and how far it is. False, and nothing
    /// changes, once another holds the lease.
    /// </summary>
    /// <param name="lines">Their numbers are given here.</param>
    Task<bool> TryLogAsync(
        string id,
        IReadOnlyList<TrainingLogLine> lines,
        int? stepsDone,
        int? allSteps,
        DateTimeOffset now,
        Lease lease,
        CancellationToken cancellationToken
    );

    /// <summary>
    /// Remembers a checkpoint. False, and nothing changes, once another holds the lease or the run has come to its end. The one before is
    /// told, for who gets rid of it.
    /// </summary>
    Task<(bool Saved, string? Before)> TrySaveAsync(
        string id,
        string? artifact,
        int? stepsDone,
        Lease lease,
        CancellationToken cancellationToken
    );

    /// <summary>What a run said, oldest first.</summary>
    /// <param name="after">Only lines with a higher number.</param>
    /// <param name="tail">Whether the newest are meant where there are more than <paramref name="limit"/>.</param>
    Task<IReadOnlyList<TrainingLogLine>> ReadLogAsync(string id, long after, int limit, bool tail, CancellationToken cancellationToken);

    /// <summary>Lines of a run that are kept.</summary>
    public const int MostLogLines = 3_000;
}
