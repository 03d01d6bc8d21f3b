using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Storage;

namespace AgentLightning.Training;

/// <summary>What to train.</summary>
/// <param name="Labels">The answers that the policy may give.</param>
public sealed record TrainingRequest(
    string AgentId,
    string DatasetId,
    TrainingMethod Method,
    string BaseModel,
    IReadOnlyList<string> Labels,
    IReadOnlyDictionary<string, string>? Hyperparameters = null,
    string Engine = "local",
    IRolloutEnvironment? Environment = null
);

/// <summary>Takes a run through its states. The record is made first and kept whatever happens.</summary>
public sealed class TrainingRunner(
    ITrainingRunStore runs,
    IDatasetStore datasets,
    DatasetReader reader,
    IArtifactStore artifacts,
    IEnumerable<ITrainingEngine> engines,
    TimeProvider time
) : IOperation
{
    /// <summary>
    /// Trains and returns the run as it ended: succeeded with a tuned model, or failed with the reason. A cancelled call leaves a cancelled
    /// run and throws. Asks for the role write; a data set of another agent is <see cref="ErrorKind.NotFound"/>.
    /// </summary>
    public async Task<TrainingRun> RunAsync(
        Scope scope,
        TrainingRequest request,
        IProgress<TrainingProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        scope.Require(Role.Write);
        scope.Named(request.AgentId);
        var dataset = await datasets.FindAsync(request.DatasetId, cancellationToken).ConfigureAwait(false);
        if (dataset is null || dataset.AgentId != request.AgentId)
        {
            throw LightningException.NotFound($"Data set {request.DatasetId} of agent '{request.AgentId}' not found.");
        }

        var engine = engines.FirstOrDefault(candidate => candidate.Name == request.Engine)
            ?? throw LightningException.Invalid(
                $"There is no training engine '{request.Engine}'. There is: "
                    + $"{string.Join(", ", engines.Select(candidate => candidate.Name))}."
            );
        var now = time.GetUtcNow().Rounded();
        var run = new TrainingRun(
            Ids.New(now),
            request.AgentId,
            dataset.Id,
            engine.Name,
            request.Method,
            request.BaseModel,
            null,
            null,
            TrainingStatus.Pending,
            request.Hyperparameters ?? new Dictionary<string, string>(),
            null,
            null,
            now,
            null,
            null
        );
        await runs.AddAsync(run, cancellationToken).ConfigureAwait(false);
        try
        {
            run = await MoveAsync(run with { Status = TrainingStatus.Running, StartedAt = time.GetUtcNow().Rounded() })
                .ConfigureAwait(false);
            var examples = await reader.ReadAsync(dataset, cancellationToken).ConfigureAwait(false);
            var job = new TrainingJob(
                run,
                [.. examples.Where(example => example.Side == DatasetSide.Train)],
                request.Labels,
                request.Environment
            );
            var model = await engine.TrainAsync(job, progress, cancellationToken).ConfigureAwait(false);
            var artifact = await artifacts.PutAsync(model.Write, cancellationToken).ConfigureAwait(false);
            return await MoveAsync(
                    run with
                    {
                        Status = TrainingStatus.Succeeded,
                        TunedModelName = model.Name,
                        Artifact = artifact,
                        Metrics = model.Metrics,
                        CompletedAt = time.GetUtcNow().Rounded(),
                    }
                )
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await MoveAsync(run with { Status = TrainingStatus.Cancelled, CompletedAt = time.GetUtcNow().Rounded() }).ConfigureAwait(false);
            throw;
        }
        catch (Exception e)
        {
            return await MoveAsync(
                    run with
                    {
                        Status = TrainingStatus.Failed,
                        ErrorMessage = e.Message,
                        CompletedAt = time.GetUtcNow().Rounded(),
                    }
                )
                .ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Fails the runs of an agent that a process left behind when it was ended in the middle of them. Returns how many. Asks for the role
    /// write.
    /// </summary>
    public async Task<int> FailInterruptedAsync(Scope scope, string agentId, CancellationToken cancellationToken)
    {
        scope.Require(Role.Write);
        scope.Named(agentId);
        var failed = 0;
        foreach (var run in await runs.ListAsync(agentId, 1_000, cancellationToken).ConfigureAwait(false))
        {
            if (run.Status is TrainingStatus.Pending or TrainingStatus.Running)
            {
                await MoveAsync(
                        run with
                        {
                            Status = TrainingStatus.Failed,
                            ErrorMessage = "interrupted",
                            CompletedAt = time.GetUtcNow().Rounded(),
                        }
                    )
                    .ConfigureAwait(false);
                failed++;
            }
        }

        return failed;
    }

    // The end of a run is written even when the caller has gone.
    private async Task<TrainingRun> MoveAsync(TrainingRun run) =>
        await runs.TryMoveAsync(run, CancellationToken.None).ConfigureAwait(false)
            ? run
            : throw LightningException.Conflict(
                $"Training run {run.Id} cannot become {EnumText.Of(run.Status)}: somebody else has ended it."
            );
}
