using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Training;

/// <summary>Executes a queued run in this process while the caller waits: for a command on a store that no server works on.</summary>
public sealed class ExecuteTraining : IOperation
{
    private readonly ITrainingRunStore _runs;
    private readonly TrainingExecutor _executor;
    private readonly Leases _leases;
    private readonly TimeProvider _time;

    internal ExecuteTraining(ITrainingRunStore runs, TrainingExecutor executor, Leases leases, TimeProvider time) =>
        (_runs, _executor, _leases, _time) = (runs, executor, leases, time);

    /// <summary>
    /// Returns the run as it ended; null, and nothing is done, while another process executes it. A cancelled call leaves a cancelled run
    /// and throws. Asks for the role write.
    /// </summary>
    public async Task<TrainingRun?> ExecuteAsync(
        Scope scope,
        string id,
        IProgress<TrainingProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        scope.Require(Role.Write);
        var run = scope.Visible(await _runs.FindAsync(Ids.Check(id, "run_id"), cancellationToken).ConfigureAwait(false), run => run.AgentId)
            ?? throw LightningException.NotFound($"Training run {id} not found.");
        if (run.IsOver)
        {
            return run;
        }

        var held = await _leases.TryHoldAsync(run.LeaseName, cancellationToken).ConfigureAwait(false);
        if (held is null)
        {
            return null;
        }

        await using (held.ConfigureAwait(false))
        {
            try
            {
                return await _executor.ExecuteAsync(run, held, null, progress, cancellationToken).ConfigureAwait(false);
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
}
