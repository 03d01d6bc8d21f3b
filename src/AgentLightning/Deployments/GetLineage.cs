using AgentLightning.Access;
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
    double? RewardThreshold,
    DatasetKind Kind,
    int ErasedCount
);

public sealed record LineageEvaluation(string Id, bool Passed, string Reason, double Baseline, double Candidate, double PValue);

/// <summary>The releases of an agent with their evidence.</summary>
/// <param name="Entries">Newest first.</param>
public sealed record DeploymentLineage(string AgentId, IReadOnlyList<LineageEntry> Entries);

/// <summary>Tells why what serves serves: each release with its evidence, newest first.</summary>
public sealed class GetLineage(IDeploymentStore deployments, ITrainingRunStore runs, IDatasetStore datasets, IEvaluationStore evaluations)
    : IOperation
{
    private const int Listed = 100;

    /// <summary>The newest 100 releases. Asks for the role read.</summary>
    /// <param name="agentId">The agent; the usual one of the scope by default.</param>
    public async Task<DeploymentLineage> ExecuteAsync(Scope scope, string? agentId, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        var agent = scope.Agent(agentId, Scope.DefaultAgent);
        var entries = new List<LineageEntry>();
        foreach (var release in await deployments.ListAsync(agent, null, Listed, cancellationToken).ConfigureAwait(false))
        {
            // A record that the release names, but which is another agent's, is no evidence and stays unseen.
            var run = release.TrainingRunId is null
                ? null
                : OfAgent(await runs.FindAsync(release.TrainingRunId, cancellationToken).ConfigureAwait(false), found => found.AgentId);
            var dataset = run is null
                ? null
                : OfAgent(await datasets.FindAsync(run.DatasetId, cancellationToken).ConfigureAwait(false), found => found.AgentId);
            var evaluation = release.EvaluationId is null
                ? null
                : OfAgent(await evaluations.FindAsync(release.EvaluationId, cancellationToken).ConfigureAwait(false), found =>
                    found.AgentId
                );
            entries.Add(EntryOf(release, run, dataset, evaluation));
        }

        return new DeploymentLineage(agent, entries);

        T? OfAgent<T>(T? record, Func<T, string> agentOf)
            where T : class => record is not null && agentOf(record) == agent ? record : null;
    }

    private static LineageEntry EntryOf(Deployment release, TrainingRun? run, Dataset? dataset, EvaluationRecord? evaluation) =>
        new(
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
                    dataset.RewardThreshold,
                    dataset.Kind,
                    dataset.ErasedCount
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
        );
}
