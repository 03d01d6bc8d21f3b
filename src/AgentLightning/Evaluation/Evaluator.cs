using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Storage;
using AgentLightning.Training;

namespace AgentLightning.Evaluation;

/// <summary>Something that answers inputs with one of its labels, to be compared with another.</summary>
/// <param name="Model">Its name in records.</param>
/// <param name="DeploymentId">Its release, if it has one.</param>
/// <param name="Answer">Input → answer; called from one thread.</param>
public sealed record Contestant(string Model, string? DeploymentId, Func<string, string> Answer);

/// <summary>Proves a candidate on the held-out part of the data set that its run was made from.</summary>
public sealed class Evaluator(
    IDatasetStore datasets,
    DatasetReader reader,
    IEvaluationStore evaluations,
    EvaluationGate gate,
    TimeProvider time
) : IOperation
{
    /// <summary>
    /// Scores both on the held-out examples whose right answer is known, and stores the result. Asks for the role write; a run of another
    /// agent is <see cref="ErrorKind.NotFound"/>. No such example is <see cref="ErrorKind.Conflict"/>.
    /// </summary>
    public async Task<EvaluationRecord> EvaluateAsync(
        Scope scope,
        TrainingRun run,
        Contestant baseline,
        Contestant candidate,
        CancellationToken cancellationToken
    )
    {
        scope.Require(Role.Write);
        if (!scope.Allows(run.AgentId))
        {
            throw LightningException.NotFound($"Training run {run.Id} not found.");
        }

        var dataset = await datasets.FindAsync(run.DatasetId, cancellationToken).ConfigureAwait(false);
        if (dataset is null || dataset.AgentId != run.AgentId)
        {
            throw LightningException.NotFound($"Data set {run.DatasetId} of agent '{run.AgentId}' not found.");
        }

        var examples = (await reader.ReadAsync(dataset, cancellationToken).ConfigureAwait(false))
            .Where(example => example is { Side: DatasetSide.Validation, Expected: not null })
            .ToList();
        if (examples.Count == 0)
        {
            throw LightningException.Conflict(
                $"Data set {dataset.Id} has no held-out example with a known right answer. Give corrections to held-out episodes and "
                    + $"build it again."
            );
        }

        var expected = examples.ConvertAll(example => example.Expected!);
        var comparison = PairedComparison.Of(
            expected,
            examples.ConvertAll(example => baseline.Answer(example.Input)),
            examples.ConvertAll(example => candidate.Answer(example.Input)),
            unchecked((int)dataset.Seed)
        );
        var now = time.GetUtcNow().Rounded();
        var record = new EvaluationRecord(
            Ids.New(now),
            run.AgentId,
            run.Id,
            dataset.Id,
            baseline.Model,
            baseline.DeploymentId,
            candidate.Model,
            comparison,
            gate.Judge(comparison),
            now
        );
        await evaluations.AddAsync(record, cancellationToken).ConfigureAwait(false);
        return record;
    }
}
