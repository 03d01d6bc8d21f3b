using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Governance;
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
    Redactor redactor,
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
        using var first = new Labeller(baseline);
        using var second = new Labeller(candidate);
        return await RunAsync(scope, run, first, baseline.DeploymentId, second, null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The same for answers of any kind. Asks for the role write.</summary>
    /// <param name="baselineDeploymentId">The release of the baseline, if it has one.</param>
    /// <param name="scorer">What says how good an answer is; null compares labels by macro-F1.</param>
    public async Task<EvaluationRecord> EvaluateAnswersAsync(
        Scope scope,
        TrainingRun run,
        IAnswerer baseline,
        string? baselineDeploymentId,
        IAnswerer candidate,
        IScorer? scorer,
        CancellationToken cancellationToken
    )
    {
        scope.Require(Role.Write);
        return await RunAsync(scope, run, baseline, baselineDeploymentId, candidate, scorer, cancellationToken).ConfigureAwait(false);
    }

    private async Task<EvaluationRecord> RunAsync(
        Scope scope,
        TrainingRun run,
        IAnswerer baseline,
        string? baselineDeploymentId,
        IAnswerer candidate,
        IScorer? scorer,
        CancellationToken cancellationToken
    )
    {
        if (!scope.Allows(run.AgentId))
        {
            throw LightningException.NotFound($"Training run {run.Id} not found.");
        }

        var dataset = await datasets.FindAsync(run.DatasetId, cancellationToken).ConfigureAwait(false);
        if (dataset is null || dataset.AgentId != run.AgentId)
        {
            throw LightningException.NotFound($"Data set {run.DatasetId} of agent '{run.AgentId}' not found.");
        }

        var items = await HeldOutItems.ReadAsync(reader, dataset, cancellationToken).ConfigureAwait(false);
        if (scorer is null or { NeedsExpected: true })
        {
            items.RemoveAll(item => item.Expected is null);
        }

        if (items.Count == 0)
        {
            throw LightningException.Conflict(
                $"Data set {dataset.Id} has no held-out example"
                    + (scorer is null or { NeedsExpected: true } ? " with a known right answer" : "")
                    + ". Give corrections to held-out episodes, or capture more of them, and build it again."
            );
        }

        var look = await evaluations.TakeLookAsync(dataset.Id, cancellationToken).ConfigureAwait(false);
        var session = new EvaluationSession(items, scorer, redactor, run.AgentId);
        await session.AnswerAsync(baseline, candidate, cancellationToken).ConfigureAwait(false);
        var comparison = session.Compare(unchecked((int)dataset.Seed), 2 * gate.AlphaOf(look));
        var now = time.GetUtcNow().Rounded();
        var record = new EvaluationRecord(
            Ids.New(now),
            run.AgentId,
            run.Id,
            dataset.Id,
            baseline.Model,
            baselineDeploymentId,
            candidate.Model,
            comparison,
            session.WithFailures(gate.Judge(comparison, look)),
            now
        )
        {
            Detail = session.Detail(),
        };
        await evaluations.AddAsync(record, cancellationToken).ConfigureAwait(false);
        return record;
    }

    private sealed class Labeller(Contestant contestant) : IAnswerer
    {
        public string Model => contestant.Model;

        public ValueTask<string> AnswerAsync(EvaluationItem item, CancellationToken cancellationToken) =>
            ValueTask.FromResult(contestant.Answer(item.Input));

        public void Dispose() { }
    }
}
