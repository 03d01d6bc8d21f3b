using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Evaluation;
using AgentLightning.Training;

namespace AgentLightning.Deployments;

/// <summary>A run to prove against what serves now.</summary>
/// <param name="AgentId">Whose run it is; the usual agent of the scope by default.</param>
/// <param name="RunId">Required.</param>
/// <param name="Metric"><c>macro_f1</c>, <c>accuracy</c>, <c>exact_match</c>, <c>normalised_match</c> or <c>token_f1</c>; by default
/// macro-F1 for a classification, and token_f1 for answers.</param>
/// <param name="Grader">A grader as JSON, instead of a metric.</param>
public sealed record EvaluateRequest(
    string? AgentId,
    string? RunId,
    string? Metric = null,
    JsonElement? Grader = null,
    string Slot = Deployment.DefaultSlot
);

/// <summary>
/// Compares the model of a run with what serves now, on the held-out rows of the data set that the run was made from.
/// </summary>
public sealed class EvaluateRun(
    ITrainingRunStore runs,
    IDatasetStore datasets,
    IDeploymentStore deployments,
    Evaluator evaluator,
    IEnumerable<IAnswererSource> answerers,
    IEnumerable<IScorerSource> scorers
) : IOperation
{
    /// <summary>
    /// Evaluates and stores the verdict; it lasts as long as both models need for all held-out rows. Asks for the role write. A run of
    /// another agent is <see cref="ErrorKind.NotFound"/>; one without a model, an empty held-out set and a model that nothing here can
    /// open are <see cref="ErrorKind.Conflict"/>.
    /// </summary>
    public async Task<EvaluationRecord> ExecuteAsync(Scope scope, EvaluateRequest request, CancellationToken cancellationToken)
    {
        scope.Require(Role.Write);
        var agentId = scope.Agent(request.AgentId, Scope.DefaultAgent);
        var runId = Ids.Check(request.RunId, "run_id");
        var run = await runs.FindAsync(runId, cancellationToken).ConfigureAwait(false);
        if (run is null || run.AgentId != agentId)
        {
            throw LightningException.NotFound($"Training run {runId} of agent '{agentId}' not found.");
        }

        if (run is not { Status: TrainingStatus.Succeeded, TunedModelName: not null, Artifact: not null })
        {
            throw LightningException.Conflict(
                $"Training run {runId} is {EnumText.Of(run.Status)}; only the model of a succeeded run can be evaluated."
            );
        }

        var dataset = await datasets.FindAsync(run.DatasetId, cancellationToken).ConfigureAwait(false)
            ?? throw LightningException.NotFound($"Data set {run.DatasetId} of agent '{agentId}' not found.");
        var scorer = ScorerOf(request, dataset.Kind);
        var active = await deployments
            .FindActiveAsync(agentId, Deployment.CheckSlot(request.Slot), cancellationToken)
            .ConfigureAwait(false);
        using var baseline = active is null
            ? await OpenAsync(agentId, run.BaseModel, null, dataset.Kind, cancellationToken).ConfigureAwait(false)
            : await OpenAsync(agentId, active.TunedModelName, active.Artifact, dataset.Kind, cancellationToken).ConfigureAwait(false);
        using var candidate = await OpenAsync(agentId, run.TunedModelName, run.Artifact, dataset.Kind, cancellationToken)
            .ConfigureAwait(false);
        return await evaluator
            .EvaluateAnswersAsync(scope, run, baseline, active?.Id, candidate, scorer, cancellationToken)
            .ConfigureAwait(false);
    }

    private IScorer? ScorerOf(EvaluateRequest request, DatasetKind kind)
    {
        if (request.Grader is { } grader)
        {
            return request.Metric is not null
                ? throw LightningException.Invalid("metric and grader both say how answers are scored; give one of them.")
                : scorers.Select(source => source.Read(grader)).FirstOrDefault(read => read is not null)
                    ?? throw LightningException.Invalid(
                        "There is no grader of that type here. Give one of string_check, text_similarity, match, number, pattern, "
                            + "json_schema, command and multi."
                    );
        }

        var metric = request.Metric ?? (kind == DatasetKind.Classification ? PairedComparison.MacroF1Metric : "token_f1");
        return metric == PairedComparison.MacroF1Metric && kind == DatasetKind.Classification
            ? null
            : TextScorers.Find(metric == "accuracy" ? "exact_match" : metric)
                ?? throw LightningException.Invalid(
                    $"metric must be one of {(kind == DatasetKind.Classification ? "macro_f1, accuracy, " : "")}"
                        + $"{string.Join(", ", TextScorers.Names)} for a data set of kind {EnumText.Of(kind)}, but it is '{metric}'."
                );
    }

    private async Task<IAnswerer> OpenAsync(
        string agentId,
        string model,
        string? artifact,
        DatasetKind kind,
        CancellationToken cancellationToken
    )
    {
        foreach (var source in answerers)
        {
            if (await source.OpenAsync(agentId, model, artifact, kind, cancellationToken).ConfigureAwait(false) is { } answerer)
            {
                return answerer;
            }
        }

        throw LightningException.Conflict(
            $"Nothing here can let the model '{model}' answer the rows of a data set of kind {EnumText.Of(kind)}."
        );
    }
}
