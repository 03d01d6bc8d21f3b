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

/// <summary>
/// Takes a run through its states, under a lease that is renewed while it goes on. The record is made first and kept whatever happens.
/// </summary>
public sealed class TrainingRunner(
    ITrainingRunStore runs,
    IDatasetStore datasets,
    DatasetReader reader,
    IArtifactStore artifacts,
    IEnumerable<ITrainingEngine> engines,
    Leases leases,
    TimeProvider time
) : IOperation
{
    /// <summary>
    /// Trains and returns the run as it ended: succeeded with a tuned model, or failed with the reason. A cancelled call leaves a cancelled
    /// run and throws. One whose lease was lost, since this process stood still for longer, is <see cref="ErrorKind.Conflict"/>: whoever
    /// took it has ended the run. Asks for the role write; a data set of another agent is <see cref="ErrorKind.NotFound"/>.
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
        var held = await leases.TryHoldAsync(LeaseOf(run.Id), cancellationToken).ConfigureAwait(false)
            ?? throw LightningException.Conflict($"Training run {run.Id} is executed by another process.");
        await using (held.ConfigureAwait(false))
        {
            await runs.AddAsync(run, cancellationToken).ConfigureAwait(false);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, held.Lost);
            return await ExecuteAsync(run, dataset, engine, request, held.Lease, progress, either.Token).ConfigureAwait(false);
        }
    }

    private async Task<TrainingRun> ExecuteAsync(
        TrainingRun run,
        Dataset dataset,
        ITrainingEngine engine,
        TrainingRequest request,
        Lease lease,
        IProgress<TrainingProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        try
        {
            run = await MoveAsync(run with { Status = TrainingStatus.Running, StartedAt = time.GetUtcNow().Rounded() }, lease)
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
                    },
                    lease
                )
                .ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await MoveAsync(run with { Status = TrainingStatus.Cancelled, CompletedAt = time.GetUtcNow().Rounded() }, lease)
                .ConfigureAwait(false);
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
                    },
                    lease
                )
                .ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Fails the runs of an agent that a process left behind when it was ended in the middle of them, and leaves those that another process
    /// executes now. Returns how many it failed. Asks for the role write.
    /// </summary>
    public async Task<int> FailInterruptedAsync(Scope scope, string agentId, CancellationToken cancellationToken)
    {
        scope.Require(Role.Write);
        scope.Named(agentId);
        var failed = 0;
        string? before = null;
        do
        {
            var page = await runs.ListAsync(agentId, Page.Most, before, cancellationToken).ConfigureAwait(false);
            foreach (var run in page.Where(run => run.Status is TrainingStatus.Pending or TrainingStatus.Running))
            {
                failed += await FailIfInterruptedAsync(run, cancellationToken).ConfigureAwait(false) ? 1 : 0;
            }

            before = ListPage.Of(page, Page.Most, run => PageCursor.After(run.CreatedAt, run.Id)).Next;
        } while (before is not null);

        return failed;
    }

    /// <summary>A run whose lease can be had is executed by nobody.</summary>
    private async Task<bool> FailIfInterruptedAsync(TrainingRun run, CancellationToken cancellationToken)
    {
        var held = await leases.TryHoldAsync(LeaseOf(run.Id), cancellationToken).ConfigureAwait(false);
        if (held is null)
        {
            return false;
        }

        await using (held.ConfigureAwait(false))
        {
            return await runs.TryMoveAsync(
                    run with
                    {
                        Status = TrainingStatus.Failed,
                        ErrorMessage = "interrupted",
                        CompletedAt = time.GetUtcNow().Rounded(),
                    },
                    held.Lease,
                    cancellationToken
                )
                .ConfigureAwait(false);
        }
    }

    private static string LeaseOf(string runId) => $"training run {runId}";

    // The end of a run is written even when the caller has gone.
    private async Task<TrainingRun> MoveAsync(TrainingRun run, Lease lease) =>
        await runs.TryMoveAsync(run, lease, CancellationToken.None).ConfigureAwait(false)
            ? run
            : throw LightningException.Conflict(
                $"Training run {run.Id} cannot become {EnumText.Of(run.Status)}: somebody else has ended it."
            );
}
