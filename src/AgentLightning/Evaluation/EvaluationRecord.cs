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
);

/// <summary>Keeps evaluations.</summary>
public interface IEvaluationStore
{
    Task AddAsync(EvaluationRecord evaluation, CancellationToken cancellationToken);

    Task<EvaluationRecord?> FindAsync(string id, CancellationToken cancellationToken);

    /// <summary>The newest evaluation of a run, or null.</summary>
    Task<EvaluationRecord?> FindLatestAsync(string trainingRunId, CancellationToken cancellationToken);
}
