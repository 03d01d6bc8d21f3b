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
/// Trains while the caller waits, with what only the caller has, such as where fresh answers are tried. The record is made first and kept
/// whatever happens.
/// </summary>
public sealed class TrainingRunner : IOperation
{
    private readonly ITrainingRunStore _runs;
    private readonly IDatasetStore _datasets;
    private readonly TrainingExecutor _executor;
    private readonly Leases _leases;
    private readonly TimeProvider _time;

    internal TrainingRunner(ITrainingRunStore runs, IDatasetStore datasets, TrainingExecutor executor, Leases leases, TimeProvider time) =>
        (_runs, _datasets, _executor, _leases, _time) = (runs, datasets, executor, leases, time);

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
        var dataset = await _datasets.FindAsync(request.DatasetId, cancellationToken).ConfigureAwait(false);
        if (dataset is null || dataset.AgentId != request.AgentId)
        {
            throw LightningException.NotFound($"Data set {request.DatasetId} of agent '{request.AgentId}' not found.");
        }

        if (!_executor.Engines.Contains(request.Engine))
        {
            throw LightningException.Invalid($"There is no training engine '{request.Engine}'. {_executor.EnginesText()}");
        }

        var now = _time.GetUtcNow().Rounded();
        var run = new TrainingRun(
            Ids.New(now),
            request.AgentId,
            dataset.Id,
            request.Engine,
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
        )
        {
            Labels = request.Labels,
        };
        var held = await _leases.TryHoldAsync(run.LeaseName, cancellationToken).ConfigureAwait(false)
            ?? throw LightningException.Conflict($"Training run {run.Id} is executed by another process.");
        await using (held.ConfigureAwait(false))
        {
            await _runs.AddAsync(run, cancellationToken).ConfigureAwait(false);
            try
            {
                return await _executor.ExecuteAsync(run, held, request.Environment, progress, cancellationToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                await _runs
                    .TryMoveAsync(
                        run with
                        {
                            Status = TrainingStatus.Cancelled,
                            CompletedAt = _time.GetUtcNow().Rounded(),
                        },
                        held.Lease,
                        CancellationToken.None
                    )
                    .ConfigureAwait(false);
                throw;
            }
        }
    }

    /// <summary>
    /// Fails the runs of an agent that a process left behind when it was ended in the middle of them, and leaves those that another process
    /// executes now, and those that any server may go on with. Returns how many it failed. Asks for the role write.
    /// </summary>
    public async Task<int> FailInterruptedAsync(Scope scope, string agentId, CancellationToken cancellationToken)
    {
        scope.Require(Role.Write);
        scope.Named(agentId);
        var failed = 0;
        string? before = null;
        do
        {
            var page = await _runs.ListAsync(agentId, Page.Most, before, cancellationToken).ConfigureAwait(false);
            foreach (var run in page.Where(run => !run.IsOver && !run.IsQueued))
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
        var held = await _leases.TryHoldAsync(run.LeaseName, cancellationToken).ConfigureAwait(false);
        if (held is null)
        {
            return false;
        }

        await using (held.ConfigureAwait(false))
        {
            return await _runs
                .TryMoveAsync(
                    run with
                    {
                        Status = TrainingStatus.Failed,
                        ErrorMessage = "interrupted",
                        CompletedAt = _time.GetUtcNow().Rounded(),
                    },
                    held.Lease,
                    cancellationToken
                )
                .ConfigureAwait(false);
        }
    }
}
