using AgentLightning.Datasets;
using AgentLightning.Evaluation;
using AgentLightning.Training;

namespace AgentLightning.Deployments;

/// <summary>Where a release came from: the run, its data set and the evaluation it was promoted on.</summary>
public sealed record LineageEntry(
    string DeploymentId,
    string TunedModel,
    bool IsActive,
    bool Forced,
    DateTimeOffset PromotedAt,
    string PromotedBy,
    string? RollbackFrom,
    string? RollbackReason,
    LineageRun? TrainingRun,
    LineageDataset? Dataset,
    LineageEvaluation? Evaluation
);

public sealed record LineageRun(
    string Id,
    string BaseModel,
    string DatasetId,
    TrainingStatus Status,
    TrainingMethod Method,
    DateTimeOffset? StartedAt,
    DateTimeOffset? CompletedAt
);

public sealed record LineageDataset(
    string Id,
    string Name,
    int Version,
    int TrainingCount,
    int ValidationCount,
    int EpisodeCount,
    string QueryFilter,
    double? RewardThreshold
);

public sealed record LineageEvaluation(string Id, bool Passed, string Reason, double Baseline, double Candidate, double PValue);

/// <summary>Tells why what serves serves: each release with its evidence, newest first.</summary>
public sealed class LineageReader(
    IDeploymentStore deployments,
    ITrainingRunStore runs,
    IDatasetStore datasets,
    IEvaluationStore evaluations
)
{
    public async Task<IReadOnlyList<LineageEntry>> ReadAsync(string agentId, int limit, CancellationToken cancellationToken)
    {
        var entries = new List<LineageEntry>();
        foreach (var release in await deployments.ListAsync(agentId, null, limit, cancellationToken).ConfigureAwait(false))
        {
            var run = release.TrainingRunId is null
                ? null
                : await runs.FindAsync(release.TrainingRunId, cancellationToken).ConfigureAwait(false);
            var dataset = run is null ? null : await datasets.FindAsync(run.DatasetId, cancellationToken).ConfigureAwait(false);
            var evaluation = release.EvaluationId is null
                ? null
                : await evaluations.FindAsync(release.EvaluationId, cancellationToken).ConfigureAwait(false);
            entries.Add(
                new LineageEntry(
                    release.Id,
                    release.TunedModelName,
                    release.IsActive,
                    release.Forced,
                    release.PromotedAt,
                    release.PromotedBy,
                    release.RollbackFrom,
                    release.RollbackReason,
                    run is null
                        ? null
                        : new LineageRun(run.Id, run.BaseModel, run.DatasetId, run.Status, run.Method, run.StartedAt, run.CompletedAt),
                    dataset is null
                        ? null
                        : new LineageDataset(
                            dataset.Id,
                            dataset.Name,
                            dataset.Version,
                            dataset.TrainingCount,
                            dataset.ValidationCount,
                            dataset.EpisodeCount,
                            dataset.QueryFilter,
                            dataset.RewardThreshold
                        ),
                    evaluation is null
                        ? null
                        : new LineageEvaluation(
                            evaluation.Id,
                            evaluation.Verdict.Passed,
                            evaluation.Verdict.Reason,
                            evaluation.Comparison.Baseline.Value,
                            evaluation.Comparison.Candidate.Value,
                            evaluation.Comparison.PValue
                        )
                )
            );
        }

        return entries;
    }
}
