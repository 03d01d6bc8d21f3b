using AgentLightning.Access;
using AgentLightning.Common;
using AgentLightning.Storage;

namespace AgentLightning.Training;

/// <summary>Ends training runs before their time.</summary>
public sealed class CancelTraining(ITrainingRunStore runs, Leases leases, TimeProvider time) : IOperation
{
    /// <summary>
    /// Cancels a pending run at once, and asks a running one to stop at its next step; one whose server ended is cancelled at once too.
    /// Returns the run as it is then. Asks for the role write; one of another agent is <see cref="ErrorKind.NotFound"/>, and one that has
    /// come to its end is <see cref="ErrorKind.Conflict"/>.
    /// </summary>
    public async Task<TrainingRun> ExecuteAsync(Scope scope, string id, CancellationToken cancellationToken)
    {
        scope.Require(Role.Write);
        var run = scope.Visible(await runs.FindAsync(Ids.Check(id, "run_id"), cancellationToken).ConfigureAwait(false), run => run.AgentId)
            ?? throw LightningException.NotFound($"Training run {id} not found");
        if (!run.IsOver)
        {
            run = (await runs.RequestCancelAsync(id, time.GetUtcNow().Rounded(), cancellationToken).ConfigureAwait(false))!;
            run = run.IsOver ? run : await EndIfLeftAsync(run, cancellationToken).ConfigureAwait(false);
        }

        return run.Status is TrainingStatus.Cancelled or TrainingStatus.Running
            ? run
            : throw LightningException.Conflict($"Training run {id} has {EnumText.Of(run.Status)} already; there is nothing to cancel.");
    }

    /// <summary>A running one whose lease can be had is executed by nobody, who could stop.</summary>
    private async Task<TrainingRun> EndIfLeftAsync(TrainingRun run, CancellationToken cancellationToken)
    {
        var held = await leases.TryHoldAsync(run.LeaseName, cancellationToken).ConfigureAwait(false);
        if (held is null)
        {
            return run;
        }

        await using (held.ConfigureAwait(false))
        {
            var cancelled = run with { Status = TrainingStatus.Cancelled, CompletedAt = time.GetUtcNow().Rounded() };
            await runs.TryMoveAsync(cancelled, held.Lease, cancellationToken).ConfigureAwait(false);
            return (await runs.FindAsync(run.Id, cancellationToken).ConfigureAwait(false))!;
        }
    }
}
