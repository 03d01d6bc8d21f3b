namespace AgentLightning.Evaluation;

/// <summary>A stored evaluation: base and candidate on the same held-out examples, and the verdict.</summary>
/// <param name="BaselineModel">Who served when it was made.</param>
/// <param name="BaselineDeploymentId">Its release; null for the base model.</param>
public sealed record EvaluationRecord(
    string Id,
    string AgentId,
    string TrainingRunId,
    string DatasetId,
    string BaselineModel,
    string? BaselineDeploymentId,
    string CandidateModel,
    PairedComparison Comparison,
    GateVerdict Verdict,
    DateTimeOffset CreatedAt
)
{
    /// <summary>What was seen item by item; null of evaluations that are older than it.</summary>
    public EvaluationDetail? Detail { get; init; }
}

/// <summary>More than the figures.</summary>
/// <param name="Metric">By which the two were compared.</param>
/// <param name="Slices">The same for each group of items, where the data set has groups.</param>
/// <param name="BetterCount">Items on which the candidate was better.</param>
/// <param name="WorseCount">Items on which it was worse.</param>
/// <param name="Better">At most 20 of these, those with the largest difference first.</param>
/// <param name="Worse">The same of the others.</param>
/// <param name="BaselineFailures">Items that the baseline gave no answer to: they count as wrong.</param>
/// <param name="CandidateFailures">The same of the candidate.</param>
/// <param name="FirstFailure">What the first of the candidate's failures was; null without one.</param>
public sealed record EvaluationDetail(
    string Metric,
    IReadOnlyList<SliceScore> Slices,
    int BetterCount,
    int WorseCount,
    IReadOnlyList<ItemScore> Better,
    IReadOnlyList<ItemScore> Worse,
    int BaselineFailures,
    int CandidateFailures,
    string? FirstFailure
);

/// <summary>How both did in one group of items.</summary>
public sealed record SliceScore(string Name, int Count, double Baseline, double Candidate);

/// <summary>How both did on one item. The item itself is in the data set, under its key.</summary>
/// <param name="EpisodeIds">At most five of those that it was made of.</param>
/// <param name="BaselineAnswer">At most 200 characters; null where there was none.</param>
public sealed record ItemScore(
    string Key,
    IReadOnlyList<string> EpisodeIds,
    string? BaselineAnswer,
    string? CandidateAnswer,
    double BaselineScore,
    double CandidateScore
);

/// <summary>Keeps evaluations.</summary>
public interface IEvaluationStore
{
    Task AddAsync(EvaluationRecord evaluation, CancellationToken cancellationToken);

    Task<EvaluationRecord?> FindAsync(string id, CancellationToken cancellationToken);

    /// <summary>The newest evaluation of a run, or null.</summary>
    Task<EvaluationRecord?> FindLatestAsync(string trainingRunId, CancellationToken cancellationToken);

    /// <summary>Evaluations of an agent, newest first.</summary>
    /// <param name="trainingRunId">Only those of this run; null for all.</param>
    /// <param name="limit">1…1,000.</param>
    /// <param name="before">The cursor that ended the page before, or an id: only older ones follow.</param>
    Task<IReadOnlyList<EvaluationRecord>> ListAsync(
        string agentId,
        string? trainingRunId,
        int limit,
        string? before,
        CancellationToken cancellationToken
    );

    /// <summary>
    /// Counts a look at the held-out rows of a data set, before it is taken: also one that fails has looked. Gives how many there were
    /// with it, each number once.
    /// </summary>
    Task<long> TakeLookAsync(string datasetId, CancellationToken cancellationToken);
}
