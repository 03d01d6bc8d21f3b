using AgentLightning.Common;
using AgentLightning.Datasets;
using AgentLightning.Storage;

namespace AgentLightning.Training;

/// <summary>Takes a run through its states under its lease: the one way in which runs are executed.</summary>
internal sealed class TrainingExecutor(
    ITrainingRunStore runs,
    IDatasetStore datasets,
    DatasetReader reader,
    IArtifactStore artifacts,
    IEnumerable<ITrainingEngine> engines,
    IChangeNotices notices,
    TrainingOptions options,
    TimeProvider time
)
{
    /// <summary>The names of those who execute runs here.</summary>
    public IReadOnlyList<string> Engines { get; } = [.. engines.Select(engine => engine.Name)];

    /// <summary>
    /// Executes a run, from its checkpoint where it has one, and returns it as it ended: succeeded, failed with the reason, or cancelled
    /// when it was asked to stop. Cancelled by <paramref name="stop"/> it leaves the run as it is, for another to go on with, and throws.
    /// One whose lease was lost is <see cref="ErrorKind.Conflict"/>: another has it now.
    /// </summary>
    public async Task<TrainingRun> ExecuteAsync(
        TrainingRun run,
        Leases.Held held,
        IRolloutEnvironment? environment,
        IProgress<TrainingProgress>? progress,
        CancellationToken stop
    )
    {
        if (!await runs.TryBeginAsync(run.Id, time.GetUtcNow().Rounded(), held.Lease, stop).ConfigureAwait(false))
        {
            throw LightningException.Conflict($"Training run {run.Id} has come to its end, or is executed by another process.");
        }

        run = (await runs.FindAsync(run.Id, stop).ConfigureAwait(false))!;
        var checkpoints = new StoredCheckpoints(runs, artifacts, run.Id, run.Checkpoint, held.Lease, options.CheckpointInterval);
        var watch = new CancelWatch(runs, notices, run.Id);
        await using var watching = watch.ConfigureAwait(false);
        var log = new RunLog(runs, run.Id, held.Lease, progress, time);
        await using var logging = log.ConfigureAwait(false);
        using var any = CancellationTokenSource.CreateLinkedTokenSource(stop, held.Lost, watch.Asked);
        TrainingRun ended;
        try
        {
            if (run.Attempts > 1)
            {
                log.Say(
                    run.CheckpointStep is { } step
                        ? $"Taken over: goes on after step {step}."
                        : "Taken over: begins again, since nothing was saved yet."
                );
            }

            ended = await TrainAsync(run, environment, checkpoints, log, any.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (watch.Asked.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            ended = run with { Status = TrainingStatus.Cancelled };
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e) when (!held.Lost.IsCancellationRequested)
        {
            ended = run with { Status = TrainingStatus.Failed, ErrorMessage = e.Message };
        }
        catch (Exception e)
        {
            throw new LightningException(ErrorKind.Conflict, $"Training run {run.Id} is executed by another process now.", e);
        }

        // The end of a run is written even when the caller has gone, and what it said before.
        await log.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        ended = ended with { CompletedAt = time.GetUtcNow().Rounded() };
        if (!await runs.TryMoveAsync(ended, held.Lease, CancellationToken.None).ConfigureAwait(false))
        {
            throw LightningException.Conflict(
                $"Training run {run.Id} cannot become {EnumText.Of(ended.Status)}: somebody else has ended it."
            );
        }

        await checkpoints.ForgetAsync(CancellationToken.None).ConfigureAwait(false);
        return ended;
    }

    private async Task<TrainingRun> TrainAsync(
        TrainingRun run,
        IRolloutEnvironment? environment,
        StoredCheckpoints checkpoints,
        RunLog log,
        CancellationToken cancellationToken
    )
    {
        var engine = engines.FirstOrDefault(candidate => candidate.Name == run.Engine)
            ?? throw LightningException.Conflict($"There is no training engine '{run.Engine}' here. {EnginesText()}");
        var dataset = await datasets.FindAsync(run.DatasetId, cancellationToken).ConfigureAwait(false)
            ?? throw LightningException.NotFound($"Data set {run.DatasetId}, which the run was to learn from, was deleted.");
        if (dataset.ErasedCount > 0)
        {
            log.Say($"Of the {dataset.EpisodeCount} episodes of the data set {dataset.ErasedCount} were deleted since it was built.");
        }

        var baseRun = await runs.FindByModelAsync(run.AgentId, run.BaseModel, cancellationToken).ConfigureAwait(false);
        var examples =
            dataset.Kind == DatasetKind.Classification ? await reader.ReadAsync(dataset, cancellationToken).ConfigureAwait(false) : [];
        var job = new TrainingJob(run, [.. examples.Where(example => example.Side == DatasetSide.Train)], run.Labels, environment)
        {
            Rows = dataset.Kind == DatasetKind.Classification ? null : new TrainingRows(dataset, reader),
            BaseRun = baseRun,
            Checkpoints = checkpoints,
        };
        var model = await engine.TrainAsync(job, log, cancellationToken).ConfigureAwait(false);
        try
        {
            return run with
            {
                Status = TrainingStatus.Succeeded,
                TunedModelName = model.Name,
                Artifact = await artifacts.PutAsync(model.Write, cancellationToken).ConfigureAwait(false),
                Metrics = model.Metrics,
            };
        }
        finally
        {
            model.Release?.Invoke();
        }
    }

    public string EnginesText() => $"There is: {(Engines.Count > 0 ? string.Join(", ", Engines) : "none")}.";
}
